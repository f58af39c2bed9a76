/** Why a guest's agent cannot be asked, or has not done what it was asked for, in words. */

import type { AgentFailure, UnknownOutcome } from "../failures/agent.ts";
import { quote, shellQuote } from "../quote.ts";
import { type Explanation, type Kind, pathWord } from "./explanation.ts";

export function explainAgent(failure: AgentFailure): Explanation {
  const { domain } = failure;
  const name = quote(domain.name);
  switch (failure.kind) {
    case "no-agent-channel":
      return { error: `domain ${name} has no channel to a guest agent`, hint: hintNextBoot(failure) };
    case "agent-not-connected":
      return {
        error: `no guest agent runs in domain ${name}`,
        hint: `install qemu-guest-agent in the guest, and start it; else ${hintNextBoot(failure)}`,
      };
    case "agent-silent":
      return {
        error: `the guest agent of domain ${name} does not answer: ${describeSilence(failure.within)}`,
        hint: "restart it in the guest: systemctl restart qemu-guest-agent",
      };
    case "agent-refused":
      return {
        error: `the guest agent of domain ${name} refused: ${quote(failure.words)}`,
        hint: "see in the guest whether there is such a user, room on the disk, and a command that the agent may not run: systemctl status qemu-guest-agent",
      };
    case "keys-too-long":
      return {
        error: `the guest agent of domain ${name} tells of more keys of user ${quote(failure.user)} than are read: over ${failure.maxBytes} bytes`,
        hint: `take out in the guest, with an editor, what is too much: ${quote(`~${failure.user}/.ssh/authorized_keys`)}`,
      };
    case "no-key-calls":
      return {
        error: `cannot ask about keys in ${domain.uri}: libvirt says: ${quote(failure.words)}`,
        hint: `before libvirt 6.10 nobody can; ${hintNextBoot(failure)}`,
      };
    default:
      return explainChange(failure);
  }
}

function hintNextBoot({ domain }: Pick<AgentFailure, "domain">): string {
  return `give the guest keys at its next boot with: virtssh keys credential --apply ${shellQuote(domain.target)} FILE`;
}

function describeSilence(within: number | string): string {
  return typeof within === "number" ? `nothing within ${within} s` : `libvirt says: ${quote(within)}`;
}

function explainChange(failure: Kind<"keys-unknown" | "keys-not-changed" | "key-has-other-options">): Explanation {
  const { domain, user } = failure;
  const [name, account] = [quote(domain.name), quote(user)];
  const where = `${shellQuote(domain.target)} --user ${shellQuote(user)}`;
  const list = `virtssh keys list ${where}`;
  switch (failure.kind) {
    case "keys-unknown":
      return {
        error: `cannot tell whether the keys of user ${account} in domain ${name} have changed: ${describe(failure.outcome)}`,
        hint:
          failure.outcome.is === "agent-silent"
            ? `it may still change them; see later what they are with: ${list}`
            : `see what they are with: ${list}`,
      };
    case "keys-not-changed":
      return {
        error: LINES[failure.lines].replace(/NAME|USER|COUNT/g, (word) => {
          return word === "NAME" ? name : word === "USER" ? account : String(failure.count);
        }),
        hint:
          failure.lines === "not removed"
            ? `take them out in the guest, with an editor: ${quote(`~${user}/.ssh/authorized_keys`)}`
            : `see what is there with: ${list}`,
      };
    case "key-has-other-options":
      return {
        error: `user ${account} in domain ${name} has key ${failure.fingerprint} with other options: ${quote(failure.options)}`,
        hint: `take it out first, with: virtssh keys remove ${where} ${failure.file === "-" ? "-" : pathWord(failure.file)}`,
      };
  }
}

function describe(outcome: UnknownOutcome): string {
  switch (outcome.is) {
    case "agent-silent":
      return `no answer from its guest agent within ${outcome.seconds} s`;
    case "not-told":
      return `libvirt says: ${quote(outcome.words)}`;
    case "daemon-gone":
      return "libvirt's daemon has gone meanwhile";
  }
}

const LINES: Readonly<Record<Kind<"keys-not-changed">["lines"], string>> = {
  "not added": "the guest agent of domain NAME says that it has added keys for user USER, and has not: COUNT missing",
  "not removed":
    "the guest agent of domain NAME says that it has removed keys of user USER, and has not: COUNT still there",
  "others gone": "lines that were to stay are gone from those of user USER in domain NAME: COUNT",
};
