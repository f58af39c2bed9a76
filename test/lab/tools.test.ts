// Every form of a guest's name in every tool that speaks ssh, with the real tools, in the box: the rows of the README's table.
import { describe } from "vitest";
import { type Domain, renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { type Fact, testFacts } from "./facts.ts";
import { INSTALLED } from "./installed.ts";
import { runInBox } from "./lab.ts";
import { toStderr } from "./progress.ts";
import { TOOL_FACTS } from "./tool-facts.ts";
import { TOOL_FAILURES } from "./tool-failures.ts";
import { CAPITAL, PREPARED, SMALL, SPACED, TEXTS } from "./tool-lab.ts";

const GUESTS: readonly Domain[] = [
  { name: SMALL, vsock: "auto", hostname: "small" },
  { name: CAPITAL, vsock: "auto", hostname: "capital", hostKey: 2 },
  { name: SPACED, vsock: "auto", hostname: "spaced" },
];

const path = (number: number) => `/etc/lab/guest-${number}.xml`;
const WAIT_SECONDS = 240;

const STARTED: readonly Fact[] = [
  ...GUESTS.map(({ name }, number) => ({ name: `"${name}" is started`, run: startDomain(path(number), name) })),
  ...GUESTS.map(({ name }) => ({
    name: `"${name}" is up`,
    run: waitForGuest(name, WAIT_SECONDS),
    timeoutSeconds: WAIT_SECONDS + 10,
  })),
];

const texts = { ...TEXTS, ...Object.fromEntries(GUESTS.map((guest, number) => [path(number), renderDomain(guest)])) };

describe("the tools that speak ssh, in a box", () => {
  const facts = [...STARTED, ...PREPARED, ...TOOL_FACTS, ...TOOL_FAILURES];
  testFacts(facts, (steps) => runInBox({ steps, files: INSTALLED, texts }, toStderr));
});
