// `npm run demo`: a hypervisor in a box, an emulated guest, and `ssh root@qemu/guest1` from one into the other.
import { spawnSync } from "node:child_process";
import { renderDomain, startDomain, waitForGuest } from "./domains.ts";
import { INSTALLED } from "./installed.ts";
import { type Lab, type Outcomes, runInBox, type Step } from "./lab.ts";
import { timed, toStderr } from "./progress.ts";
import { ensureRoot } from "./root.ts";

const GUEST = "guest1";
const DOMAIN_FILE = `/etc/lab/${GUEST}.xml`;
const SSH = `ssh root@qemu/${GUEST}`;
const SHOWN = `${SSH} 'hostname; uname -sr; uptime'`;
const SHELL_SECONDS = 4 * 3600;

const start: Step = { name: `started ${GUEST}`, run: startDomain(DOMAIN_FILE, GUEST) };
const wait: Step = { name: `${GUEST} is up`, run: waitForGuest(GUEST, 240), timeoutSeconds: 250 };
const show: Step = { name: "ssh", run: SHOWN };

/** ssh as the terminal's own program, so that Ctrl-C and the window's size reach the guest. */
function shell(): Step {
  const { rows = 24, columns = 80 } = process.stdout;
  const inside = `stty sane rows ${rows} cols ${columns}; echo "$ ${SSH}"; exec ${SSH}`;
  return {
    name: "shell",
    run: `TERM=${process.env["TERM"] ?? "linux"} setsid --wait --ctty bash -c '${inside}' <> /dev/ttyS0 >&0 2>&0`,
    timeoutSeconds: SHELL_SECONDS,
  };
}

function build(): void {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  if (status !== 0) throw new Error("npm run build failed");
}

function lab(steps: readonly Step[]): Lab {
  return { steps, files: INSTALLED, texts: { [DOMAIN_FILE]: renderDomain({ name: GUEST, vsock: "auto" }) } };
}

/** Throws with the words of the first of `steps` that failed. */
function requireSuccess(outcomes: Outcomes, steps: readonly Step[]): void {
  for (const { name } of steps) {
    const outcome = outcomes.get(name);
    if (outcome?.exit === 0) continue;
    throw new Error(`"${name}" failed:\n${outcome?.stdout}${outcome?.stderr}`);
  }
}

async function demo(isInteractive: boolean): Promise<void> {
  await ensureRoot(toStderr);
  await timed(toStderr, "built virtssh", build);
  toStderr("booting a Debian hypervisor in a box; it starts a guest of its own, emulated: this takes half a minute");
  const last = isInteractive ? shell() : show;
  const outcomes = await runInBox(lab([start, wait, last]), toStderr, { terminal: isInteractive });
  requireSuccess(outcomes, [start, wait]);
  if (isInteractive) return;
  requireSuccess(outcomes, [show]);
  process.stdout.write(`\nroot@hypervisor:~# ${SHOWN}\n${outcomes.get(show.name)?.stdout ?? ""}`);
}

try {
  const isInteractive = process.argv.includes("--shell");
  if (isInteractive && !(process.stdin.isTTY && process.stdout.isTTY)) throw new Error("--shell needs a terminal");
  await demo(isInteractive);
} catch (error) {
  process.stderr.write(`demo: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
