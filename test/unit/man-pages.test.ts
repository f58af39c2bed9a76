// The man pages say what the program has: its commands, options, forms, environment variables, files and exit statuses are read
// out of the code here, so that none can be left out.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { listForms } from "../../helper/target.ts";
import { escapeArgument, formatLiteral, formatProse } from "../../packaging/man/mdoc.ts";
import { writeManPages } from "../../packaging/man/write-man-pages.ts";

const FACTS = { version: "1.2.3", date: "2026-11-22" };

const folder = mkdtempSync(join(tmpdir(), "virtssh-man-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeManPages(folder, FACTS);

const PAGE = readFileSync(join(folder, "virtssh.1"), "utf8");
const GUEST_PAGE = readFileSync(join(folder, "virtssh-guest.7"), "utf8");

const CHARACTERS: Readonly<Record<string, string>> = {
  "\\-": "-",
  "\\e": "\\",
  "\\(aq": "'",
  "\\(dq": '"',
  "\\(ga": "`",
  "\\(ha": "^",
  "\\(ti": "~",
  "\\&": "",
  "\\%": "",
};

/** About what a formatter shows of the source: a line of text for each of the source's. */
function readPage(source: string): string {
  const text = source.replace(/\\(?:\([a-z]{2}|.)/g, (sequence) => CHARACTERS[sequence] ?? sequence);
  return text
    .replace(/^\.(?:It|Op|Nm|Xo) /gm, ".")
    .replace(/(?<=^\.|^\..* )Fl /gm, "-")
    .replace(/(?<=^\.|^\..* )(?:Cm|Ar|Pa|Ev|Ql) /gm, "")
    .replaceAll(" Ns ", "");
}

const TEXT = readPage(PAGE);

interface Source {
  readonly file: string;
  /** Without comments. */
  readonly code: string;
}

const SOURCES: readonly Source[] = readdirSync("helper", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, code: stripComments(readFileSync(join("helper", file), "utf8")) }));

function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** What the first group of `pattern` matches in the code of some files, each once. */
function scan(pattern: RegExp, isWanted: (source: Source) => boolean = () => true): string[] {
  const found = SOURCES.filter(isWanted).flatMap(({ code }) => [...code.matchAll(pattern)].map(([, one = ""]) => one));
  return [...new Set(found)].sort();
}

/** commander's tree. */
const inTree = ({ file }: Source) => file.startsWith("cli/commands/");
const inFile = (name: string) => (source: Source) => source.file === name;

function missing(words: readonly string[], text = TEXT): string[] {
  return words.filter((word) => !text.includes(word));
}

/** The lines of one section. */
function section(name: string, text = TEXT): string {
  return new RegExp(`^\\.Sh ${name}\n([\\s\\S]*?)(?=^\\.Sh |(?![\\s\\S]))`, "m").exec(text)?.[1] ?? "";
}

describe("virtssh(1) has", () => {
  test("every command, and none that is hidden", () => {
    const shown = scan(/\.command\("([\w-]+)"\)/g, inTree);
    const hidden = scan(/\.command\("([\w-]+)", \{ hidden: true \}/g, inTree);
    expect(shown).toEqual(expect.arrayContaining(["proxy", "resolve", "trust", "forget", "known-hosts"]));
    const isNamed = (command: string) => new RegExp(`^\\.(?:trust |keys )?${command}$`, "m").test(section("COMMANDS"));
    expect(shown.filter((command) => !isNamed(command))).toEqual([]);
    expect(hidden.filter(isNamed)).toEqual([]);
    expect(hidden).toEqual(["complete"]);
  });

  test("every option, also as the hot path reads it", () => {
    const options = [
      ...scan(/"(?:-\w, )?(--[a-z-]+(?: <[A-Z]+>)?)"/g, inTree),
      ...scan(/"(--[a-z]+)"/g, inFile("proxy-arguments.ts")),
    ];
    expect(options.length).toBeGreaterThan(15);
    expect(missing(options.map((option) => option.replace(/[<>]/g, "")))).toEqual([]);
  });

  test("every form of a target", () => {
    const forms = (["any", "system", "session"] as const).flatMap((scope) => listForms(scope, "NAME"));
    expect(forms.length).toBe(9);
    expect(missing([...forms, "vsock/CID", "vsock%CID"], section("TARGETS"))).toEqual([]);
  });

  const READS = /\b(?:environment|set)\("([A-Z_]+)"\)/g;

  test("every environment variable that is read", () => {
    expect(scan(/\benvironment\(([^")]*)\)/g)).toEqual(["name", "name: string"]); // sockets.ts, where it is called set()
    const variables = scan(READS);
    expect(variables).toEqual(expect.arrayContaining(["HOME", "LIBVIRT_AUTOSTART", "XDG_STATE_HOME", "SHELL"]));
    expect(missing(variables, section("ENVIRONMENT"))).toEqual([]);
  });

  test("no environment variable that is not read, but for PATH, in which posix_spawnp(3) looks", () => {
    const items = [...section("ENVIRONMENT", PAGE).matchAll(/^\.It Ev (.*)$/gm)];
    const named = items.flatMap(([, names = ""]) => names.split(" , "));
    const read = scan(READS);
    expect(named.filter((name) => !read.includes(name))).toEqual(["PATH"]);
  });

  /** Paths in the code that are not the program's, each with the reason. */
  const FOREIGN: Readonly<Record<string, string>> = {
    "/usr/sbin/sshd": "a guest's, in a hint",
    "/usr/bin/sshd": "a guest's",
    "/usr/local/sbin/sshd": "a guest's",
    "/run/current-system/sw/bin/sshd": "a guest's",
    "/etc/ssh/ssh_host_": "a guest's, in a hint",
    "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport": "a guest's",
    "/virtio": "a guest's",
    "/usr/lib/systemd/system-generators/systemd-ssh-generator": "a guest's",
    "/no": "an answer",
    "/usr/local/bin/virtssh": "a place for a copy, in a hint",
    "/dev/stdin": "standard input, in a hint",
    "/proc/self": "under /proc",
    "/proc/self/exe": "under /proc",
    "/proc/self/uid_map": "under /proc",
    "/proc/net/unix": "under /proc",
    "/proc/stat": "under /proc",
    "/cmdline": "under /proc/PID",
  };

  test("every file, and every reason to leave one out has its file", () => {
    // Absolute, in the home directory, or what follows a value in a template.
    const paths = scan(/(?<=["'`\s(=])(~?\/[a-z][\w.+@/-]*\w)/g).concat(scan(/\}(\/[\w.][\w./-]*)/g));
    expect(paths).toEqual(expect.arrayContaining(["/etc/virtssh/hosts", "/run/libvirt", "/libvirt-sock-ro"]));
    expect(missing(paths).sort()).toEqual(Object.keys(FOREIGN).sort());
  });

  test("every exit status", () => {
    const files = ["report.ts", "main.ts", "cli/print.ts"];
    const statuses = files.flatMap((file) => scan(/\b(?:FAILED|USAGE|BUG|READER_GONE) = (\d+);/g, inFile(file)));
    expect(new Set(statuses)).toEqual(new Set(["1", "2", "70", "141"]));
    const listed = [...section("EXIT STATUS").matchAll(/^\.(\d+)$/gm)].map(([, status]) => status);
    expect(listed).toEqual(["0", "1", "2", "70", "141"]);
  });

  test("every step of the doctor, and no other", () => {
    const steps = scan(/(?:report\.(?:check|after|tell)\(\s*|_STEP = )"([^"]+)"/g, ({ file }) =>
      file.startsWith("doctor/"),
    );
    const list = /The steps are, in this order:([\s\S]*?)^\.El$/m.exec(TEXT)?.[1] ?? "";
    expect([...list.matchAll(/^\.([a-z -]+)$/gm)].map(([, step]) => step).sort()).toEqual(steps);
  });
});

describe("virtssh-guest(7) has", () => {
  const text = readPage(GUEST_PAGE).replace(/\n\.?/g, " ");
  const units = readdirSync("guest/systemd");
  const settings = (key: string) =>
    units.flatMap((unit) => {
      const content = readFileSync(join("guest/systemd", unit), "utf8");
      return [...content.matchAll(new RegExp(`^${key}=[-!]*(.+)$`, "gm"))].map(([, value = ""]) => value);
    });

  test("every file that a guest gets", () => {
    expect(units).toContain("sshd-vsock.socket");
    expect(missing([...units, "virtssh-vsock-forward", "cloud-init.yaml", "README.md"], text)).toEqual([]);
  });

  test("every file that the units look at", () => {
    const paths = [...settings("EnvironmentFile"), ...settings("ConditionPathExists")];
    expect(paths).toContain("/etc/default/ssh");
    expect(missing(paths, text)).toEqual([]);
  });

  test("the limits that the units have", () => {
    const [connections] = settings("MaxConnections");
    const [burst, seconds] = [settings("PollLimitBurst"), settings("PollLimitIntervalSec")];
    expect(text).toContain(`takes ${connections} connections at a time`);
    expect(text).toContain(`after ${burst} others within ${String(seconds).replace(/s$/, "")} seconds`);
    expect(settings("ExecStart").join()).toContain(`max-children=${connections} `);
  });
});

describe("writeManPages()", () => {
  test("writes the date and the version into the page, and fills every place", () => {
    expect(PAGE).toMatch(/^\.Dd November 22, 2026\n\.Dt VIRTSSH 1\n\.Os "virtssh 1\.2\.3"$/m);
    expect(`${PAGE}${GUEST_PAGE}`).not.toMatch(/\{\{|\}\}|undefined|\[object/);
  });

  test("leaves no word of a heading or an item to be taken for a macro, which would not show", () => {
    const words = `${PAGE}${GUEST_PAGE}`.match(/^\..*$/gm)?.flatMap((line) => line.split(" ").slice(1)) ?? [];
    // Those of mdoc(7) that are words of English, too.
    expect(words.filter((word) => /^(?:An|At|Do|In|It|Me|No|So)$/.test(word))).toEqual([]);
  });

  test("writes the same in every time zone", () => {
    const zone = process.env["TZ"];
    try {
      process.env["TZ"] = "America/Los_Angeles";
      writeManPages(join(folder, "again"), FACTS);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
    expect(readFileSync(join(folder, "again/virtssh.1"), "utf8")).toBe(PAGE);
  });
});

test.each([
  ["a sentence", "ask for ssh's key", ["ask for ssh\\(aqs key"]],
  ["sentences, each on a line", "One. Two (a. b). %h too.", ["One.", "Two (a. b).", "\\%%h too."]],
  ["a sentence that begins with a name", "An error. libvirt chooses.", ["An error.", "libvirt chooses."]],
  ["a path, which is not broken", 'in ~/.ssh/config: "a-b"', ["in \\%\\(ti/.ssh/config: \\(dqa\\-b\\(dq"]],
  ["a dot at the beginning", ".qemu is an ending", ["\\&.qemu is an ending"]],
  ["a backslash", "a\\n", ["\\%a\\en"]],
])("formatProse() of %s", (_, text, lines) => {
  // \% comes first where a word is no word; a dot is none.
  expect(formatProse(text).map((line) => line.replace("\\%.", "\\&."))).toEqual(lines);
});

test("formatProse() breaks lines", () => {
  const lines = formatProse("word ".repeat(50));
  expect(lines.every((line) => line.length <= 80)).toBe(true);
  expect(lines.join(" ")).toBe("word ".repeat(50).trim());
});

test.each([
  ["a word", "web", "web"],
  ["two words", "a b", '"a b"'],
  ["nothing", "", '""'],
  ["an option", "-x", "\\-x"],
  ["a macro's name", "In", "\\&In"],
  ["what could be a macro of references", "%C", "\\&%C"],
  ["a delimiter", "|", "\\&|"],
])("escapeArgument() of %s", (_, text, argument) => {
  expect(escapeArgument(text)).toBe(argument);
});

test("formatLiteral() shows lines as they are", () => {
  expect(formatLiteral([".qemu", "'a' `b` ^~\\"])).toEqual([
    ".Bd -literal -offset indent",
    "\\&.qemu",
    "\\(aqa\\(aq \\(gab\\(ga \\(ha\\(ti\\e",
    ".Ed",
  ]);
});
