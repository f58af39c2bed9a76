/** `virtssh keys cloud-init`: keys for a guest's first boot, as cloud-init wants them. */

import { formatKey } from "../authorized-keys/describe-key.ts";
import { readKeyFile } from "../authorized-keys/key-file.ts";
import type { AuthorizedKey } from "../authorized-keys/key-line.ts";
import { HelperError } from "../failure.ts";
import { formatJson, shellQuote } from "../quote.ts";
import type { System } from "../sys/system.ts";
import { encodeUtf8 } from "../utf8.ts";
import { writeSeedImage } from "./seed-image.ts";

export interface SeedOptions {
  readonly instanceId: string;
  /** Where the seed image goes; undefined to print meta-data. */
  readonly iso: string | undefined;
}

/** For keys that a program pipes, and for the program that makes the image. */
const LIMIT_MS = 60_000;

/** Returns what is to be printed. @throws HelperError */
export function formatSeed(files: readonly string[], { instanceId, iso }: SeedOptions, sys: System): string {
  if (!INSTANCE_ID.test(instanceId)) {
    const problem = "an instance-id has letters, digits, dots, hyphens and underscores, 64 at most: not";
    throw new HelperError({ kind: "bad-usage", problem, word: instanceId, command: "keys cloud-init" });
  }
  const keys = dropRepeated(files.flatMap((file) => readKeyFile(file, sys.nowMs() + LIMIT_MS, sys)));
  const metaData = formatMetaData(instanceId, keys);
  if (iso === undefined) return metaData;
  const path = writeSeedImage({ path: iso, metaData: encodeUtf8(metaData), deadlineMs: sys.nowMs() + LIMIT_MS }, sys);
  return [
    `made the seed image ${shellQuote(path)}`,
    ...keys.map(formatKey),
    `give it to a guest with: virsh attach-disk DOMAIN ${shellQuote(path)} vdz --mode readonly --config`,
    "",
  ].join("\n");
}

/** cloud-init has a directory of that name in the guest, in /var/lib/cloud/instances. */
const INSTANCE_ID = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/** As readKeyFile() does for one file: of several lines with one key, sshd takes the first. */
function dropRepeated(keys: readonly AuthorizedKey[]): AuthorizedKey[] {
  const byKey = new Map<string, AuthorizedKey>();
  for (const key of keys) if (!byKey.has(key.key.text)) byKey.set(key.key.text, key);
  return [...byKey.values()];
}

/** What normalize_pubkey_data() in cloud-init's sources/__init__.py takes: a list of lines of authorized_keys. */
function formatMetaData(instanceId: string, keys: readonly AuthorizedKey[]): string {
  const lines = keys.map(({ line }) => `  - ${formatYamlString(line)}\n`);
  return `instance-id: ${formatYamlString(instanceId)}\npublic-keys:\n${lines.join("")}`;
}

/**
 * A double-quoted scalar of YAML 1.2, 5.7: JSON's string, in ASCII, but for characters beyond 16 bits. JSON writes them in two halves,
 * of which PyYAML would make two characters.
 */
function formatYamlString(text: string): string {
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : formatJson(character).slice(1, -1);
  });
  return `"${parts.join("")}"`;
}
