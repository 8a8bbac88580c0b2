// `test` with a bank of its own: import it instead of the one of @playwright/test.
import { test as base } from "@playwright/test";
import { type Bank, type Scenario, SERVER, forkBank } from "./sandbank.mjs";

export const test = base.extend<{ bank: Bank; scenarios: Scenario[] }>({
  // test.use({ scenarios: ["locked-user"] }) sets the world of a file or a group.
  scenarios: [[], { option: true }],

  bank: async ({ scenarios }, use, testInfo) => {
    const bank = await forkBank(testInfo.titlePath.join(" > "), { scenarios });
    await use(bank);
    if (testInfo.status !== testInfo.expectedStatus) {
      const facts = `sandbox ${bank.id}\nseed ${bank.seed}\ndigest ${await bank.digest()}\n`;
      await testInfo.attach("sandbank", { body: facts, contentType: "text/plain" });
    }
    await bank.remove();
  },

  // The application under test is built to call SERVER; in this page its calls go to the test's own bank.
  page: async ({ page, bank }, use) => {
    await page.route(`${SERVER}/v1/**`, (route) =>
      route.continue({ url: route.request().url().replace(SERVER, bank.url) }),
    );
    await use(page);
  },
});

export { expect } from "@playwright/test";
