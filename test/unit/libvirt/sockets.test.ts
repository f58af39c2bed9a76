import { expect, test } from "vitest";
import { findPlaces, listPrograms, type Place } from "../../../helper/libvirt/sockets.ts";
import type { Scope } from "../../../helper/target.ts";
import { FakeSystem } from "../../fakes/fake-system.ts";
import { failureOf } from "../failure-of.ts";

type Environment = Readonly<Record<string, string>>;

const RUNTIME: Environment = { XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/user" };

const SYSTEM: Place = {
  uri: "qemu:///system",
  paths: ["/run/libvirt/virtqemud-sock-ro", "/run/libvirt/libvirt-sock-ro"],
  daemons: [],
};

const INSTALLED = [...listPrograms("virtqemud"), ...listPrograms("libvirtd")];

function session(directory: string, daemons: readonly string[] = INSTALLED): Place {
  return {
    uri: "qemu:///session",
    paths: [`${directory}/libvirt/virtqemud-sock`, `${directory}/libvirt/libvirt-sock`],
    daemons,
  };
}

const ROOT_SESSION: Place = { ...SYSTEM, uri: "qemu:///session" };
const STARTS_NONE = session("/run/user/1000", []);

test.each<[string, { scope: Scope; userId?: number; environment?: Environment }, Place[]]>([
  ["any", { scope: "any" }, [SYSTEM, STARTS_NONE]],
  ["any, for root", { scope: "any", userId: 0 }, [SYSTEM]],
  ["any, without a runtime directory", { scope: "any", environment: {} }, [SYSTEM]],
  ["system", { scope: "system" }, [SYSTEM]],
  ["system, for root", { scope: "system", userId: 0 }, [SYSTEM]],
  ["session", { scope: "session" }, [session("/run/user/1000")]],
  ["session, for root, who has none", { scope: "session", userId: 0 }, [ROOT_SESSION]],
  ["session, by HOME alone", { scope: "session", environment: { HOME: "/home/user" } }, [session("/home/user/.cache")]],
  [
    "session, by the cache directory",
    { scope: "session", environment: { HOME: "/h", XDG_CACHE_HOME: "/c" } },
    [session("/c")],
  ],
  [
    "session, by an empty runtime directory",
    { scope: "session", environment: { XDG_RUNTIME_DIR: "", HOME: "/h" } },
    [session("/h/.cache")],
  ],
  [
    "session, where none may be started",
    { scope: "session", environment: { ...RUNTIME, LIBVIRT_AUTOSTART: "0" } },
    [STARTS_NONE],
  ],
  [
    "session, where one may be started",
    { scope: "session", environment: { ...RUNTIME, LIBVIRT_AUTOSTART: "1" } },
    [session("/run/user/1000")],
  ],
  [
    "session, with LIBVIRT_AUTOSTART set to nothing",
    { scope: "session", environment: { ...RUNTIME, LIBVIRT_AUTOSTART: "" } },
    [session("/run/user/1000")],
  ],
  [
    "session, by VIRTD_PATH",
    { scope: "session", environment: { ...RUNTIME, VIRTD_PATH: "/v", LIBVIRTD_PATH: "/l" } },
    [session("/run/user/1000", ["/v"])],
  ],
  [
    "session, by LIBVIRTD_PATH",
    { scope: "session", environment: { ...RUNTIME, LIBVIRTD_PATH: "/l" } },
    [session("/run/user/1000", ["/l"])],
  ],
])("findPlaces() for %s", (_, { scope, ...options }, places) => {
  expect(findPlaces(scope, new FakeSystem(options))).toEqual(places);
});

test("findPlaces() cannot find a session daemon without a directory for its socket", () => {
  expect(failureOf(() => findPlaces("session", new FakeSystem({ environment: {} })))).toEqual({
    kind: "no-runtime-directory",
  });
});
