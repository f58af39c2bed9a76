// Host keys, natively: the real ssh asks the checked build, whose AF_VSOCK is led to AF_UNIX sockets, about the real sshd's keys.
import { describe } from "vitest";
import { testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";
import { ADMINS } from "./hostkeys-admin.ts";
import { ATTACKED, LIAR } from "./hostkeys-attacks.ts";
import { CHANGES } from "./hostkeys-changes.ts";
import { FILES, inLab, SETUP, TEXTS } from "./hostkeys-lab.ts";
import { LOGINS } from "./hostkeys-logins.ts";

describe("virtssh and the keys of guests", () => {
  const facts = inLab([...LOGINS, ...CHANGES, ...ADMINS, ...ATTACKED]);
  testFacts([...SETUP, ...facts], (steps) =>
    runNative({ steps, files: FILES, texts: { ...TEXTS, "/etc/lab/liar.py": LIAR } }),
  );
});
