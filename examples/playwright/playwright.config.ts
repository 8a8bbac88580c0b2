import { defineConfig } from "@playwright/test";

export default defineConfig({
  fullyParallel: true,
  // One bank serves all workers: each test has a sandbox of its own.
  webServer: {
    command: "sandbank serve --transport-clock virtual",
    url: "http://127.0.0.1:8000/_sandbox/readyz",
    reuseExistingServer: !process.env.CI,
  },
});
