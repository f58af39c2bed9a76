// What can be wrong with a command line: the two lines.
import { type Fact, failure } from "../lab/facts.ts";

const FORMS = "write qemu/NAME, qemu:system/NAME, qemu:session/NAME or NAME.qemu";
const LIST = "list the domains with: virtssh list --all";

interface Typed {
  readonly name: string;
  readonly words: string;
  readonly error: string;
  readonly hint: string;
}

export const TYPED: readonly Fact[] = (
  [
    {
      name: "no command",
      words: "",
      error: "no command given",
      hint: "see how it is used with: virtssh --help",
    },
    {
      name: "an option that there is not",
      words: "proxy --wat",
      error: 'unknown option "--wat"',
      hint: "see how it is used with: virtssh proxy --help",
    },
    { name: "an empty target", words: "resolve ''", error: 'cannot parse target "": it is empty', hint: FORMS },
    {
      name: "a prefix that is misspelt",
      words: "resolve qemu:sytem/web",
      error: 'cannot parse target "qemu:sytem/web": unknown prefix "qemu:sytem"',
      hint: FORMS,
    },
    {
      name: "a prefix without a name",
      words: "resolve qemu/",
      error: 'cannot parse target "qemu/": the name is missing',
      hint: FORMS,
    },
    {
      name: "a daemon without a name",
      words: "resolve qemu:system",
      error: 'cannot parse target "qemu:system": it does not say where to look',
      hint: FORMS,
    },
    {
      name: "a name without a form",
      words: "resolve 'my vm'",
      error: 'cannot parse target "my vm": it does not say where to look',
      hint: "write 'qemu/my vm'",
    },
    {
      name: "a path behind a name, which scp would take from a name without a slash",
      words: "resolve 'qemu/web:/root/a b'",
      error: 'cannot parse target "qemu/web:/root/a b": no domain has "/" in its name',
      hint: "write 'web.qemu:/root/a b'",
    },
    {
      name: "a name with a slash",
      words: "resolve qemu/a/b",
      error: 'cannot parse target "qemu/a/b": no domain has "/" in its name',
      hint: LIST,
    },
    {
      name: "a name in Latin-1",
      words: "resolve $'qemu/b\\xfccher'",
      error: 'cannot parse target "qemu/b\ufffdcher": it is not UTF-8',
      hint: "use the domain's UUID, which this lists: virsh list --all --uuid --name",
    },
    {
      name: "a name of 256 bytes",
      words: "resolve qemu/$(printf %0256d)",
      error: `cannot parse target "qemu/${"0".repeat(256)}": the name is 256 bytes long, limit is 255`,
      hint: LIST,
    },
    {
      name: "a CID that is none",
      words: "resolve vsock/x",
      error: 'cannot parse target "vsock/x": "x" is no CID',
      hint: "write a whole number from 1 to 4294967294",
    },
    {
      name: "a port that is a word",
      words: "proxy qemu/web ssh",
      error: 'cannot use "ssh" as a port',
      hint: "write a whole number from 1 to 4294967294",
    },
    {
      name: "no time at all",
      words: "proxy --timeout 0 qemu/web",
      error: 'cannot use "0" as a number of seconds',
      hint: "write a whole number from 1 to 86400",
    },
  ] satisfies readonly Typed[]
).map(({ name, words, error, hint }) => ({ name, run: `virtssh ${words}`, exit: 2, stderr: failure(error, hint) }));
