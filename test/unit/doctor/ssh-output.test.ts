import { expect, test } from "vitest";
import { parseBadOwner, parseComplaint, parseConfiguration, parseVersion } from "../../../helper/doctor/ssh-output.ts";

test.each([
  ["OpenSSH_10.0p2 Debian-7+deb13u4, OpenSSL 3.5.7 9 Jun 2026\r\n", "10.0p2", [10, 0]],
  ["OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.19 27 Jan 2026\r\n", "9.2p1", [9, 2]],
  ["warning: something\nOpenSSH_8.1, LibreSSL 2.9.0\n", "8.1", [8, 1]],
])("parseVersion() reads %j", (output, text, numbers) => {
  expect(parseVersion(output)).toEqual({ text, numbers });
});

test.each([["Dropbear v2024.86\n"], [""], ["OpenSSH_next\n"]])("parseVersion() knows no OpenSSH in %j", (output) => {
  expect(parseVersion(output)).toBeUndefined();
});

/** Of `ssh -G -T -vvv -- web.qemu`, OpenSSH 10.0p2; what is left out is more of the same. */
const OUTPUT = `debug1: OpenSSH_10.0p2 Debian-7+deb13u4, OpenSSL 3.5.7 9 Jun 2026\r
debug3: Running on Linux 6.12.0 #1 SMP x86_64\r
debug3: Started with: ssh -GTvvv -- web.qemu\r
debug1: Reading configuration data /root/.ssh/config\r
debug2: checking match for 'exec "false"' host web.qemu originally web.qemu\r
debug1: Executing command: 'false'\r
debug3: command returned status 1\r
debug3: /root/.ssh/config line 1: not matched 'exec "false"' \r
debug2: match not found\r
debug2: checking match for 'host *.qemu exec "true"' host web.qemu originally web.qemu\r
debug3: /root/.ssh/config line 5: matched 'host "web.qemu"' \r
debug1: Executing command: 'true'\r
debug3: command returned status 0\r
debug3: /root/.ssh/config line 5: matched 'exec "true"' \r
debug2: match found\r
debug3: /root/.ssh/config line 6: Including file /tmp/in line 7 depth 0\r
debug1: Reading configuration data /tmp/in line 7\r
debug1: /tmp/in line 7 line 1: Applying options for *\r
debug1: Reading configuration data /etc/ssh/ssh_config\r
debug2: checking match for 'host "qemu/*" originalhost "*"' host web.qemu originally web.qemu\r
debug3: /etc/ssh/ssh_config line 6: not matched 'host "web.qemu"' \r
debug3: /etc/ssh/ssh_config line 6: matched 'originalhost "web.qemu"' \r
debug2: match not found\r
debug2: checking match for 'all' host web.qemu originally web.qemu\r
debug2: match found\r
host web.qemu
user root
hostname web.qemu
port 22
proxyusefdpass yes
identityfile ~/.ssh/id_rsa
identityfile ~/.ssh/id_ed25519
proxycommand /usr/bin/virtssh proxy --fdpass --typed '%n' -- '%h' %p
`;

test("parseConfiguration() reads what the configuration comes to", () => {
  expect(Object.fromEntries(parseConfiguration(OUTPUT).settings)).toEqual({
    host: "web.qemu",
    user: "root",
    hostname: "web.qemu",
    port: "22",
    proxyusefdpass: "yes",
    identityfile: "~/.ssh/id_ed25519",
    proxycommand: "/usr/bin/virtssh proxy --fdpass --typed '%n' -- '%h' %p",
  });
});

test("parseConfiguration() reads which blocks apply, in order; of Match all, ssh does not say where it is", () => {
  expect(parseConfiguration(OUTPUT).blocks).toEqual([
    { path: "/root/.ssh/config", line: 0 },
    { path: "/root/.ssh/config", line: 5 },
    { path: "/tmp/in line 7", line: 0 },
    { path: "/tmp/in line 7", line: 1 },
    { path: "/etc/ssh/ssh_config", line: 0 },
  ]);
});

test.each([
  [
    "OpenSSH_9.2p1 Debian\r\ndebug1: Reading configuration data x\r\nx: line 1: Bad configuration option: foo\r\nx: terminating, 1 bad configuration options\r\n",
    "x: line 1: Bad configuration option: foo",
  ],
  ["hostname contains invalid characters\r\n", "hostname contains invalid characters"],
  ["debug1: nothing more\r\n", ""],
])("parseComplaint() of %j is the first line that is not its story", (output, complaint) => {
  expect(parseComplaint(output)).toBe(complaint);
});

test("parseBadOwner() reads the file's path", () => {
  expect(parseBadOwner("Bad owner or permissions on /etc/ssh/a b.conf")).toBe("/etc/ssh/a b.conf");
  expect(parseBadOwner("x: line 1: Bad configuration option: foo")).toBeUndefined();
});
