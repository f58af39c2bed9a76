import { expect, test } from "vitest";
import type { FakeDomain } from "../../fakes/fake-domain.ts";
import { FakeLibvirtd } from "../../fakes/fake-libvirtd.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { answerSsh, FILES, makeSsh, runShell } from "../doctor/fake-client.ts";
import { failureOf } from "../failure-of.ts";
import { runWords } from "./run.ts";

const WEB: FakeDomain = { name: "web", cid: 7 };

function run(words: readonly string[], { domain = WEB, banner = "SSH-2.0-x" } = {}): { status: number; text: string } {
  const sys = new FakeSystem({
    system: new FakeLibvirtd({ domains: [domain] }),
    vsock: { "7:22": "connected" },
    streams: { 8: { incoming: [`${banner}\r\n`] } },
    captures: { ssh: makeSsh({}), "/bin/sh": runShell, "/usr/bin/virtssh": answerSsh },
    files: FILES,
  });
  const status = runWords(["doctor", ...words], sys);
  expect(sys.written(2)).toBe("");
  return { status, text: Buffer.from(sys.written(1), "latin1").toString() };
}

test("virtssh doctor prints a line a step, and ends with 0, where all holds", () => {
  const { status, text } = run(["qemu/web"]);
  expect(status).toBe(0);
  expect(text.split("\n").filter((line) => !/^ok {4}[a-z:/ -]+: ./.test(line))).toEqual([
    expect.stringMatching(/^- {5}qemu:\/\/\/session: not needed: cannot find a libvirt daemon/),
    "",
  ]);
});

test("virtssh doctor prints a failure with its hint, what it did not try, and what a guest needs, and ends with 1", () => {
  const { status, text } = run(["qemu/web"], { domain: { name: "web" } });
  expect(status).toBe(1);
  expect(text).toContain(`FAIL  vsock device: domain "web" has no vsock device
      hint: add one with: virtssh enable qemu:system/web
-     connect: not tried
-     banner: not tried
-     recheck: not tried
ok    host key: none is pinned yet: the next login pins the one that the guest shows

What a guest needs:
`);
});

test("virtssh doctor speaks of guests only where it is one that fails", () => {
  const { status, text } = run(["qemu/nope"]);
  expect(status).toBe(1);
  expect(text).not.toContain("What a guest needs");
});

test("virtssh doctor --json prints one JSON object", () => {
  const { status, text } = run(["--json", "qemu/web"], { domain: { ...WEB, state: "shut off" } as FakeDomain });
  expect(status).toBe(1);
  expect(text).toMatch(/^\{[\x20-\x7e]*\}\n$/);
  const { target, ok, steps } = JSON.parse(text);
  expect([target, ok]).toEqual(["qemu/web", false]);
  expect(steps).toContainEqual({ step: "ssh", ok: true, detail: "OpenSSH 10.0p2", error: null, hint: null });
  expect(steps).toContainEqual({
    step: "state",
    ok: false,
    detail: null,
    error: 'domain "web" is shut off',
    hint: "start it with: virsh -c qemu:///system start web",
  });
  expect(steps).toContainEqual({ step: "connect", ok: null, detail: null, error: null, hint: null });
});

test("virtssh doctor --json without a target says so", () => {
  expect(JSON.parse(run(["--json"]).text)).toMatchObject({ target: null, ok: true });
});

test("virtssh doctor lets no banner colour the terminal or fake a line", () => {
  const { text } = run(["qemu/web"], { banner: "\u001b[31mok    all\u0007" });
  expect(text).toContain('ok    banner: "\\x1b[31mok    all\\x07"\n');
});

test("virtssh doctor --help prints its argument and options", () => {
  const { text } = run(["--help"]);
  for (const part of ["Usage: virtssh doctor", "[TARGET]", "--json", "--timeout <SECONDS>"])
    expect(text).toContain(part);
});

test.each([
  [["a", "b"], { kind: "bad-usage", command: "doctor" }],
  [["--timeout", "0"], { kind: "bad-number", text: "0" }],
])("virtssh doctor %j is wrong usage", (words, failure) => {
  expect(failureOf(() => run(words))).toMatchObject(failure);
});
