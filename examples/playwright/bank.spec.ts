// What a test looks like. These ask the bank directly, so that they run without an application and without a browser.
import { expect, test } from "./fixtures";

const FATIMA = { username: "fatima", password: "Fatima-2026!" };

test("a customer signs in", async ({ bank, request }) => {
  const answer = await request.post(`${bank.url}/v1/auth/login`, { data: FATIMA });
  expect(answer.status()).toBe(200);
  expect(await bank.broken()).toEqual([]);
});

test.describe("with a second factor", () => {
  test.use({ scenarios: [{ name: "second-factor", parameters: { user: "fatima" } }] });

  test("the code comes by SMS", async ({ bank, request }) => {
    const asked = await request.post(`${bank.url}/v1/auth/login`, { data: FATIMA });
    expect(asked.status()).toBe(202);
    const { challenge } = await asked.json();
    const code = await bank.code({ channel: "sms" });
    const answer = await request.post(`${bank.url}/v1/auth/challenges/${challenge.challenge_id}/verify`, {
      data: { code },
    });
    expect(answer.status()).toBe(200);
  });
});
