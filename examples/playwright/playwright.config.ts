import { defineConfig } from "@playwright/test";
import { SERVER } from "./sandbank.mjs";

const { hostname, port, protocol } = new URL(SERVER);

export default defineConfig({
  fullyParallel: true,
  // One bank serves all workers: each test has a sandbox of its own.
  webServer: {
    command: `sandbank serve --transport-clock virtual --host ${hostname} --port ${port || (protocol === "https:" ? 443 : 80)}`,
    url: `${SERVER}/_sandbox/readyz`,
    reuseExistingServer: !process.env.CI,
  },
});
