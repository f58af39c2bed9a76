// virtssh for other processors, one of which has the other byte order, as the wire has: run under an emulator of the processor, beside
// the real libvirtd and with the real ssh, in the native lab. AF_VSOCK is led to AF_UNIX sockets, in a build that is else as it ships.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { requirePrograms } from "../../packaging/host-packages.ts";
import { inLab, SETUP, TEXTS, WEB } from "../daemon/hostkeys-lab.ts";
import { LOGINS } from "../daemon/hostkeys-logins.ts";
import { type Fact, failure, testFacts } from "../lab/facts.ts";
import { runNative } from "../lab/lab.ts";

const DROP_IN = "/etc/ssh/ssh_config.d/25-virtssh.conf";

const FACTS: readonly Fact[] = [
  {
    name: "resolve --json",
    run: 'virtssh resolve --json qemu/web | sed \'s/"id":[0-9]*/"id":ID/\'',
    stdout: `{"uri":"qemu:///system","name":"web","uuid":"${WEB}","id":ID,"state":"running","cid":7,"port":22}\n`,
  },
  {
    name: "a name with a space, by its UUID in capitals and from a session",
    run: `virtssh resolve qemu/my%20vm | grep ^name; virtssh resolve ${WEB.toUpperCase()}.qemu | grep ^name`,
    stdout: "name:  my vm\nname:  web\n",
  },
  {
    name: "a domain that is not there, and those that are like it",
    run: "virtssh resolve qemu/wed",
    exit: 1,
    stderr: failure('cannot find domain "wed" in qemu:///system', "did you mean qemu:system/web?"),
  },
  {
    name: "the inventory",
    run: "virtssh inventory --host web.system.qemu",
    stdout: /^\{"virtssh_uri":"qemu:\/\/\/system","virtssh_name":"web",.*"virtssh_cid":7\}\n$/,
  },
  { name: "waiting for a guest", run: "virtssh wait --timeout 10 qemu/web", stdout: "" },
  {
    name: "the relay",
    run: "virtssh proxy qemu/web < /dev/null",
    stdout: /^SSH-2\.0-OpenSSH_/,
  },
  {
    name: "doctor walks the whole way, and finds the host key",
    run: "virtssh doctor qemu/web | grep -E '^ok +(vsock device|connect|banner|recheck|host key):' | cut -d: -f1",
    stdout: "ok    vsock device\nok    connect\nok    banner\nok    recheck\nok    host key\n",
  },
];

describe.each([
  {
    target: "aarch64-linux-gnu",
    emulator: "qemu-aarch64-static",
    machine: /Machine: +AArch64/,
    order: /little endian/,
  },
  { target: "s390x-linux-gnu", emulator: "qemu-s390x-static", machine: /Machine: +IBM S\/390/, order: /big endian/ },
])("virtssh for $target", ({ target, emulator, machine, order }) => {
  const folder = `build/${target}`;
  beforeAll(() => {
    requirePrograms({ [emulator]: "qemu-user-static", readelf: "binutils" });
    execFileSync("node", ["packaging/run.mjs", "packaging/build.ts", "--target", target, "--bench"], { stdio: "pipe" });
  });

  test("is one file for that processor, of 3 MB at most, and needs no library", () => {
    const said = execFileSync("readelf", ["--file-header", "--dynamic", "--wide", `${folder}/virtssh`], {
      encoding: "utf8",
    });
    expect(said).toMatch(machine);
    expect(said).toMatch(order);
    expect(said).not.toMatch(/NEEDED/);
    expect(statSync(`${folder}/virtssh`).size).toBeLessThanOrEqual(3_000_000);
  });

  test("runs as it ships", () =>
    expect(execFileSync(emulator, [`${folder}/virtssh`, "--version"], { encoding: "utf8" })).toMatch(/^virtssh \d/));

  const emulated = `#!/bin/sh\nexec /usr/lib/virtssh/${emulator} /usr/lib/virtssh/virtssh "$@"\n`;
  const install: Fact = {
    name: "virtssh is run by the emulator",
    run: "chmod 755 /usr/bin/virtssh && virtssh --version",
    stdout: /^virtssh \d/,
  };
  testFacts([install, ...SETUP, ...inLab([...FACTS, ...LOGINS])], (steps) =>
    runNative({
      steps,
      files: {
        [DROP_IN]: DROP_IN.slice("/etc/ssh/".length),
        "/usr/lib/virtssh/virtssh": `${folder}/bench/virtssh`,
        [`/usr/lib/virtssh/${emulator}`]: `/usr/bin/${emulator}`,
      },
      texts: { ...TEXTS, "/usr/bin/virtssh": emulated },
    }),
  );
});
