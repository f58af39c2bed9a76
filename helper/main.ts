/** The program: picks the hot path, or what else is asked for and has to be loaded, and sets the exit status. */

import { loadAwaitGuest, loadKnownHosts, loadProgram, loadReport, loadResolve } from "./load-program.ts";
import { proxy, reachGuest } from "./proxy.ts";
import { type ProxyArguments, parseProxyArguments } from "./proxy-arguments.ts";
import { parseResolveArguments, type ResolveArguments } from "./resolve-arguments.ts";
import { args, exit, linux } from "./sys/linux.ts";

/** EX_SOFTWARE in sysexits.h. */
const BUG = 70;

/** What is loaded comes as a promise, whose job the engine runs when all of this file has been. */
function main([word, ...rest]: readonly string[]): void {
  const hot = word === "proxy" ? parseProxyArguments(rest) : undefined;
  if (hot !== undefined) runProxy(hot);
  else if (word === "known-hosts" && !isHelp(rest[0])) answerSsh(rest);
  else {
    const plain = word === "resolve" ? parseResolveArguments(rest) : undefined;
    if (plain === undefined) runCommand();
    else resolve(plain);
  }
}

function isHelp(word: string | undefined): boolean {
  return word === "--help" || word === "-h";
}

function runProxy({ target, port, timeoutSeconds, handOver, waits }: ProxyArguments): void {
  const request = { target, port, deadlineMs: linux.nowMs() + timeoutSeconds * 1000 };
  if (!waits) {
    proxy(request, { handOver, reach: (asked, how) => reachGuest(asked, how, linux) }, linux);
    exit(0);
  }
  const run = loadAwaitGuest().then(({ awaitGuest }) => {
    proxy(request, { handOver, reach: (asked) => awaitGuest(asked, linux) }, linux);
    exit(0);
  });
  run.catch(fail);
}

function answerSsh(words: readonly string[]): void {
  const run = loadKnownHosts().then(({ runKnownHosts }) => {
    const notice = runKnownHosts(words, linux);
    if (notice === undefined) exit(0);
    return loadReport().then(({ reportNotice }) => {
      reportNotice(notice, linux);
      exit(0);
    });
  });
  run.catch(fail);
}

function resolve(plain: ResolveArguments): void {
  const run = loadResolve().then(({ runResolve }) => exit(runResolve(plain, linux)));
  run.catch(fail);
}

function runCommand(): void {
  const run = loadProgram(args).then(([{ runProgram }, parts]) => exit(runProgram({ words: args, parts }, linux)));
  run.catch(fail);
}

function fail(error: unknown): void {
  const run = loadReport().then(({ reportError }) => exit(reportError(error, linux)));
  run.catch(() => exit(BUG)); // there are no words
}

try {
  main(args);
} catch (error) {
  fail(error);
}
