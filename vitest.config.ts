// The kinds of test, each of which can be run alone: `vitest run --project unit`.
import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

const define = {
  VIRTSSH_VERSION: JSON.stringify("0.0.0-test"),
  VIRTSSH_DROP_IN: JSON.stringify(readFileSync("ssh_config.d/25-virtssh.conf", "utf8")),
};

/** The labs boot machines: their steps have limits of their own. */
const LAB_TIMEOUT_MS = 900_000;

export default defineConfig({
  define,
  test: {
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/architecture.test.ts"] } },
      {
        extends: true,
        test: { name: "daemon", include: ["test/daemon/**/*.test.ts"], hookTimeout: LAB_TIMEOUT_MS, testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: "packages",
          include: ["test/packages/**/*.test.ts"],
          hookTimeout: LAB_TIMEOUT_MS,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: "lab", include: ["test/lab/**/*.test.ts"], hookTimeout: LAB_TIMEOUT_MS, testTimeout: 60_000 },
      },
    ],
  },
});
