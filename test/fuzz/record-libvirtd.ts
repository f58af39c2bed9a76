// `npm run fuzz -- --record`: what a real libvirtd says to the targets' commands, in the native lab, joins the test cases that are kept.
import { GRANTS, GUEST_TEXTS, renderGuest } from "../daemon/guests-with-cid.ts";
import { runNative } from "../lab/lab.ts";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { type FuzzTarget, HOME, KEY_FILE, KEY_LINE } from "./targets.ts";

const FILES = { "/usr/bin/virtssh": "build/test/virtssh", "/etc/lab/relay.py": "test/fuzz/relay.py" };

const HOME_FOLDER = "/root";

const TEXTS = {
  ...GUEST_TEXTS,
  [`${HOME_FOLDER}/${KEY_FILE}`]: `${KEY_LINE}\n`,
  "/etc/lab/web.xml": renderGuest({ name: "web", vsock: 7 }),
  "/etc/lab/db.xml": renderGuest({ name: "db", vsock: "none" }),
};

/** The domain that the targets ask for: one that runs; the same, shut off; none. */
const SETTINGS = [
  ["running", "virsh -q define /etc/lab/db.xml && virsh -q define /etc/lab/web.xml && virsh -q start web"],
  ["shut off", "virsh -q destroy web"],
  ["missing", "virsh -q undefine web"],
] as const;

export async function recordLibvirtd(targets: readonly FuzzTarget[]): Promise<void> {
  const asked = targets.filter(({ daemons }) => daemons !== undefined);
  const ask = ({ words }: FuzzTarget) =>
    `python3 /etc/lab/relay.py virtssh ${words.map((word) => word.replace(HOME, HOME_FOLDER)).join(" ")}`;
  const steps = [
    ...GRANTS.slice(0, 1).map(({ name, run }) => ({ name, run })),
    ...SETTINGS.flatMap(([setting, run]) => [
      { name: setting, run },
      ...asked.map((target) => ({ name: `${target.name}, ${setting}`, run: ask(target) })),
    ]),
  ];
  const outcomes = await runNative({ steps, files: FILES, texts: TEXTS });
  for (const { name } of steps) {
    const outcome = outcomes.get(name);
    if (outcome?.exit !== 0) throw new Error(`${name}: ${outcome?.stderr ?? "was not run"}`);
  }
  for (const { name } of asked) {
    const said = SETTINGS.map(([setting]) => Buffer.from(outcomes.get(`${name}, ${setting}`)?.stdout ?? "", "base64"));
    writeCorpus(name, [...readCorpus(name), ...said]);
  }
}
