// When, of what and where a benchmark was run.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";

export interface About {
  readonly date: string;
  readonly program: string;
  readonly machine: string;
  /** Of the minute before: what else the machine did. */
  readonly load: number;
}

/** undefined where there is no git, or nothing that it knows: a source tarball. */
function askGit(...words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync("git", words, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function describeProgram(): string {
  const commit = askGit("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    return `virtssh ${version}, not out of git`;
  }
  const changes = askGit("status", "--porcelain", "--untracked-files=no", "--", ".", ":!*.md", ":!docs");
  return changes === "" ? `commit ${commit}` : `commit ${commit} with changes that are not committed`;
}

/** Numbers alone: what follows them names a build of the machine's. */
const versionOf = (kernel: string) => /^\d+(?:\.\d+)*/.exec(kernel)?.[0] ?? "of an unknown version";

export function describeRun(): About {
  const [first] = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB`;
  return {
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
    date: new Date().toISOString().slice(0, 10),
    program: describeProgram(),
    machine: `${cpus().length} × ${first?.model.trim() ?? "unknown processor"}, ${memory}, Linux ${versionOf(release())}`,
  };
}
