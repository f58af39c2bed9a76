// guest/: what says the same in two places says the same. The labs try it: ../lab/guest-units.test.ts, ../lab/guest-ways.test.ts.
// VIRTSSH_UPDATE=1 npx vitest run --project unit guest-files writes the units in cloud-init.yaml anew.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const GUEST = join(import.meta.dirname, "../../guest");
const read = (path: string) => readFileSync(join(GUEST, path), "utf8");

const UNITS = readdirSync(join(GUEST, "systemd")).filter((name) => !name.endsWith(".preset"));

/** Those that a guest needs whose sshd can be started for each connection. */
const SOCKET_UNITS = ["sshd-vsock.socket", "sshd-vsock@.service", "sshd-vsock-keygen.service"];

/** A file of cloud-init.yaml's write_files. */
const WRITTEN_FILE = /^ {2}- path: (\S+)\n {4}content: \|\n((?: {6}.*\n|\n)+)/gm;

function renderFile(path: string, text: string): string {
  return `  - path: ${path}\n    content: |\n${text.replace(/^(?=.)/gm, "      ")}`;
}

test("cloud-init.yaml writes the units as they are", () => {
  const path = (unit: string) => `/usr/local/lib/systemd/system/${unit}`;
  const wanted = SOCKET_UNITS.map((unit) => renderFile(path(unit), read(`systemd/${unit}`)));
  const found = () => [...read("cloud-init.yaml").matchAll(WRITTEN_FILE)].map(([file]) => file);
  if (process.env["VIRTSSH_UPDATE"] !== undefined) {
    const text = read("cloud-init.yaml").replace(found().join(""), () => wanted.join(""));
    writeFileSync(join(GUEST, "cloud-init.yaml"), text);
  }
  expect(found()).toEqual(wanted);
});

test("README's Butane configuration names the units, each as its own file", () => {
  const named = [...read("README.md").matchAll(/- name: (\S+)\n +contents_local: (\S+)\n/g)];
  expect(named.map(([, name]) => name)).toEqual(SOCKET_UNITS);
  expect(named.map(([, , file]) => file)).toEqual(SOCKET_UNITS);
});

test("README names every unit, and every file beside them", () => {
  const files = [...UNITS, "80-virtssh-guest.preset", ...readdirSync(join(GUEST, "openrc")), "cloud-init.yaml"];
  expect(files.filter((file) => !read("README.md").includes(file))).toEqual([]);
});

test("README's figures are the units'", () => {
  const socket = read("systemd/sshd-vsock.socket");
  const figure = (key: string) => new RegExp(`^${key}=(\\w+)$`, "m").exec(socket)?.[1];
  expect(read("README.md")).toContain(`\n${figure("MaxConnections")} connections at a time`);
  expect(read("README.md")).toContain(`Too many incoming connections (${figure("MaxConnections")})`);
  expect([figure("PollLimitBurst"), figure("PollLimitIntervalSec")]).toEqual(["100", "2s"]);
  expect(read("README.md")).toContain("More than 100 within 2 seconds wait");
});

test("the preset says something of every unit that can be enabled", () => {
  const installable = UNITS.filter((unit) => /^\[Install\]$/m.test(read(`systemd/${unit}`)));
  const preset = [...read("systemd/80-virtssh-guest.preset").matchAll(/^(?:enable|disable) (\S+)$/gm)];
  expect(preset.map(([, unit]) => unit).sort()).toEqual(installable.sort());
});
