// Where libvirt puts the PID of a guest's process: virPidFileBuildPath() in virpidfile.c.

import { expect, test } from "vitest";
import type { ListedDomain } from "../../../helper/libvirt/list-domains.ts";
import { StartTimes } from "../../../helper/list/since.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";

const SYSTEM = { uri: "qemu:///system", socketPath: "/run/libvirt/libvirt-sock-ro" } as const;
const SESSION = { uri: "qemu:///session", socketPath: "/run/user/1000/libvirt/virtqemud-sock" } as const;
const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";

test.each<[Pick<ListedDomain, "uri" | "socketPath">, string, string]>([
  [SYSTEM, "web", "/run/libvirt/qemu/web.pid"],
  [SESSION, "web", "/run/user/1000/libvirt/qemu/run/web.pid"],
  [SYSTEM, `<"Q&A">'s`, "/run/libvirt/qemu/&lt;&quot;Q&amp;A&quot;&gt;&apos;s.pid"],
])("%j has the PID of %s in %s", (daemon, name, path) => {
  const stat = Array.from({ length: 50 }, (_, index) => (index === 22 - 3 ? "100" : "0")).join(" ");
  const files = {
    "/proc/stat": { text: "btime 1795304736\n" },
    [path]: { text: "174", mode: 0o100644 },
    "/proc/174/cmdline": { text: `qemu\0-uuid\0${UUID}\0` },
    "/proc/174/stat": { text: `174 (qemu) ${stat}\n` },
  };
  const domain = { ...daemon, name, uuid: UUID, id: 1, state: "running", cid: 3 } as const;
  expect(new StartTimes(new FakeSystem({ files })).find(domain)).toBe("2026-11-21T23:45:37Z");
});
