import { expect, test } from "vitest";
import { findHome, findOwnHome } from "../../helper/home.ts";
import { EACCES } from "../../helper/sys/errno.ts";
import { FakeSystem, type FakeSystemOptions } from "../fakes/fake-system.ts";
import { directory, file } from "./hostkeys/surroundings.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/:/usr/sbin/nologin
user:x:1000:1000:A User,,,:/home/user:/bin/bash
twin:x:1000:1000::/home/twin:/bin/bash
slash:x:1002:1002::/home/slash//:/bin/bash
none:x:1003:1003:::/bin/bash
relative:x:1004:1004::home:/bin/bash
short:x:1005
`;

const system = (options: FakeSystemOptions) =>
  new FakeSystem({
    ...options,
    files: {
      "/etc/passwd": file(PASSWD, 0, 0o644),
      "/home/user": directory(),
      "/home/other": directory(),
      "/home/bob": directory(1001, 0o777),
      ...options.files,
    },
  });

/** The user's home as ssh has it, and as nearly always: with less work. */
test.each<[string, FakeSystemOptions, home: string | undefined, ownHome: string | undefined]>([
  ["of a user whose HOME is it", { environment: { HOME: "/home/user" } }, "/home/user", "/home/user"],
  ["of a user without HOME", { environment: {} }, "/home/user", "/home/user"],
  [
    "of a user with another HOME of the user's own",
    { environment: { HOME: "/home/other/" } },
    "/home/user",
    "/home/other",
  ],
  ["of a user with another user's HOME", { environment: { HOME: "/home/bob" } }, "/home/user", "/home/user"],
  ["of a user whose HOME is missing", { environment: { HOME: "/home/gone" } }, "/home/user", "/home/user"],
  ["of a user with a relative HOME", { environment: { HOME: "home/user" } }, "/home/user", "/home/user"],
  ["of a user with an empty HOME", { environment: { HOME: "" } }, "/home/user", "/home/user"],
  ["of root with a user's HOME", { userId: 0, environment: { HOME: "/home/user" } }, "/root", "/root"],
  ["with slashes behind it", { userId: 1002, environment: {} }, "/home/slash", "/home/slash"],
  ["that is the root directory", { userId: 1, environment: {} }, "", ""],
  ["of a user who is not in the file", { userId: 1001, environment: { HOME: "/home/bob" } }, "/home/bob", "/home/bob"],
  ["of a user who is not in the file, without HOME", { userId: 1001, environment: {} }, undefined, undefined],
  ["that is empty in the file", { userId: 1003, environment: { HOME: "/home/bob" } }, "/home/bob", "/home/bob"],
  ["that is empty in the file, without HOME", { userId: 1003, environment: {} }, undefined, undefined],
  ["that is relative in the file", { userId: 1004, environment: { HOME: "/home/bob" } }, undefined, undefined],
  ["of a row that is cut short", { userId: 1005, environment: {} }, undefined, undefined],
  [
    "without the file",
    { environment: { HOME: "/home/user" }, fileErrnos: { open: EACCES } },
    "/home/user",
    "/home/user",
  ],
  ["without the file and HOME", { environment: {}, fileErrnos: { open: EACCES } }, undefined, undefined],
])("findHome() and findOwnHome() find the home %s", (...[, options, home, ownHome]) => {
  expect([findHome(system(options)), findOwnHome(system(options))]).toEqual([home, ownHome]);
});

test("findOwnHome() does not read /etc/passwd where HOME is the user's own", () => {
  const sys = system({
    environment: { HOME: "/home/user" },
    before: { "open /etc/passwd": () => expect.unreachable() },
  });
  expect(findOwnHome(sys)).toBe("/home/user");
});
