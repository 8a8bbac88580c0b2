// Starts Swagger UI on the sandbox below whose address the page stands, and signs in with one click.
"use strict";

const bank = new URL(".", location.href).href.replace(/\/$/, "");

async function ask(path, body) {
  const order = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(`${bank}/${path}`, order);
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${said.title}. ${said.detail}`);
  return said;
}

// A code by SMS or e-mail lies in the inbox of the sandbox, perhaps below other messages.
async function secondFactor({ challenge_id, method }) {
  const match = { channel: method, has_code: true };
  const { code } = await ask("_sandbox/messages/wait", { match, timeout_ms: 0 });
  return ask(`v1/auth/challenges/${challenge_id}/verify`, { code });
}

async function tokenOf({ username, password }) {
  const said = await ask("v1/auth/login", { username, password });
  return (said.challenge ? await secondFactor(said.challenge) : said).access_token;
}

// randomUUID is there on loopback and with TLS only.
function newKey() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
}

function offerLogins(ui, logins) {
  const box = document.getElementById("sign-in");
  const told = box.querySelector("output");
  const buttons = logins.map((login) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = login.username;
    button.title = `${login.role}: ${login.note}`;
    button.addEventListener("click", async () => {
      told.className = "";
      told.textContent = "…";
      try {
        ui.preauthorizeApiKey("bearer", await tokenOf(login));
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        told.textContent = `Signed in as ${login.username}: what you try out carries the token.`;
      } catch (error) {
        told.className = "wrong";
        told.textContent = error.message;
      }
    });
    return button;
  });
  document.getElementById("logins").replaceWith(...buttons);
  box.hidden = buttons.length === 0;
}

async function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
  const spec = await ask("openapi.json");
  const sandbox = location.pathname.match(/^\/s\/([^/]+)\//)?.[1];
  if (sandbox) document.title = spec.info.title = `${spec.info.title}, sandbox ${sandbox}`;
  spec.servers = [{ url: bank, description: "the sandbox of this page" }];
  const ui = SwaggerUIBundle({
    spec,
    dom_id: "#api",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    // Orders want a key: who leaves the field empty gets a new one each time.
    requestInterceptor(request) {
      if (request.method === "POST") request.headers["Idempotency-Key"] ||= newKey();
      return request;
    },
    // Tokens belong to one sandbox and end with a reset; keeping them would bring one into another sandbox's page.
    persistAuthorization: false,
  });
  // Where the control plane asks for a token, its refusal means: no buttons.
  const info = await fetch(`${bank}/_sandbox/info`);
  if (info.ok) offerLogins(ui, (await info.json()).logins.filter((login) => login.state === "active"));
}

start().catch((error) => {
  const line = document.createElement("p");
  line.className = "wrong";
  line.textContent = `The page could not be made: ${error.message}`;
  document.getElementById("api").append(line);
});
