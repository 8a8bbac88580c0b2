// A bank per test, over plain HTTP, for any JavaScript test runner. It needs Node 18 or newer and nothing else.
import { createHash } from "node:crypto";

/** Where Sandbank runs: `sandbank serve --transport-clock virtual`. (`SANDBANK_*` variables are settings of the server.) */
export const SERVER = (process.env.BANK_SERVER ?? "http://127.0.0.1:8000").replace(/\/+$/, "");

/** @typedef {string | { name: string, parameters?: Record<string, unknown> }} Scenario */
/** @typedef {{ channel?: string, to?: string, contains?: string, has_code?: boolean }} Match */

/** An answer that is not a success, with the code of its problem. */
export class Refused extends Error {
  /** @param {string} what @param {number} status @param {any} problem */
  constructor(what, status, problem) {
    super(`${what}: ${status} ${problem?.code ?? ""} ${problem?.detail ?? ""}`);
    this.status = status;
    this.code = problem?.code;
  }
}

/** One sandbox: an isolated bank with its own data, clock and inbox. */
export class Bank {
  /** @param {string} server @param {{ id: string, seed: number }} made */
  constructor(server, made) {
    this.id = made.id;
    this.seed = made.seed;
    /** The base address for the application under test. */
    this.url = `${server}/s/${made.id}`;
    this.server = server;
  }

  /** Go back to how the bank was made. Whoever was signed in no longer is. */
  reset = () => call("POST", `${this.url}/_sandbox/reset`);

  /** Let time pass, such as "P3D". What falls due on the way has happened when this returns. @param {string} by */
  advance = (by) => call("POST", `${this.url}/_sandbox/clock/advance`, { by });

  /** Apply a scenario on top. @param {string} name @param {Record<string, unknown>} parameters */
  scenario = (name, parameters = {}) => call("POST", `${this.url}/_sandbox/scenarios/${name}`, parameters);

  /** The newest code that the bank sent, or the next one. @param {Match} match */
  async code(match = {}, timeout_ms = 5000) {
    const order = { match: { has_code: true, ...match }, timeout_ms };
    return (await call("POST", `${this.url}/_sandbox/messages/wait`, order)).code;
  }

  /** A fingerprint of everything in the bank. @returns {Promise<string>} */
  digest = async () => (await call("GET", `${this.url}/_sandbox/digest`)).digest;

  /** The invariants that do not hold: none, one hopes. @returns {Promise<string[]>} */
  async broken() {
    const { checks } = await call("GET", `${this.url}/_sandbox/invariants`);
    return checks.filter((/** @type {any} */ check) => !check.ok).map((/** @type {any} */ check) => check.name);
  }

  /** Take it away. */
  remove = () => call("DELETE", `${this.server}/_sandbox/sandboxes/${this.id}`);
}

/**
 * Make a bank for the test of this title. The title alone decides its seed, so every run sees the same one.
 * @param {string} title @param {{ scenarios?: Scenario[], server?: string }} options
 */
export async function forkBank(title, { scenarios = [], server = SERVER } = {}) {
  const order = { name: title.slice(-140), seed: seedOf(title), ttl: 3600, ...(scenarios.length ? { scenarios } : {}) };
  return new Bank(server, await call("POST", `${server}/_sandbox/sandboxes`, order));
}

/** A whole number below 2^53 that is the same on every machine. @param {string} title */
export function seedOf(title) {
  return parseInt(createHash("sha256").update(title).digest("hex").slice(0, 13), 16);
}

/** @param {string} method @param {string} url @param {unknown} body @returns {Promise<any>} */
async function call(method, url, body = undefined) {
  /** @type {Record<string, string>} */
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const token = process.env.SANDBANK_CONTROL_TOKEN;
  if (token) headers["sandbank-control-token"] = token;
  const answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  const said = text === "" ? undefined : JSON.parse(text);
  if (!answer.ok) throw new Refused(`${method} ${new URL(url).pathname}`, answer.status, said);
  return said;
}
