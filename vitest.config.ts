// The kinds of test, each of which can be run alone: `vitest run --project unit`.
import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const define = {
  VIRTSSH_VERSION: JSON.stringify("0.0.0-test"),
  VIRTSSH_DROP_IN: JSON.stringify(readFileSync("ssh_config.d/25-virtssh.conf", "utf8")),
};

/** The labs boot machines: their steps have limits of their own. */
const LAB_TIMEOUT_MS = 900_000;

/** Files of minutes, longest first. Where two run at once, such a one at the end would run alone. */
const SLOW = ["/lab/tools.test.ts", "/lab/deb-guest.test.ts", "/packages/reproducible.test.ts"];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = SLOW.findIndex((name) => moduleId.endsWith(name));
      return index < 0 ? SLOW.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  define,
  test: {
    sequence: { sequencer: SlowFirst },
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
      {
        extends: true,
        test: { name: "load", include: ["test/load/**/*.test.ts"], hookTimeout: LAB_TIMEOUT_MS, testTimeout: 60_000 },
      },
    ],
  },
});
