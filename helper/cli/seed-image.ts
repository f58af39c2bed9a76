/** Makes a seed image for cloud-init's data source NoCloud: a disc with the label CIDATA, and its two files on it. */

import { HelperError } from "../failure.ts";
import type { SeedProblem } from "../failures/boot.ts";
import { decodeLatin1 } from "../latin1.ts";
import { escapeUnsafe } from "../quote.ts";
import { EEXIST, EISDIR, ENOENT, ETIMEDOUT, errnoName } from "../sys/errno.ts";
import { type System, SystemError } from "../sys/system.ts";
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";

export interface SeedImage {
  readonly path: string;
  readonly metaData: Uint8Array;
  readonly deadlineMs: number;
}

/** cloud-init's NoCloud wants the file to be there, and an image without one it passes over. */
const USER_DATA = encodeUtf8("#cloud-config\n{}\n");

/** Whatever makes an ISO 9660 image by mkisofs's options. xorriso reads no configuration of the user's then. */
const PROGRAMS: readonly (readonly [string, ...string[]])[] = [
  ["xorriso", "-no_rc", "-as", "mkisofs"],
  ["genisoimage"],
  ["mkisofs"],
];

/** What an image has beside the meta-data: less than 380,000 bytes, as xorriso and genisoimage make it. */
const MAX_MORE_BYTES = 1_048_576;

/**
 * Writes it, in the place of an older one. Returns its path from the root directory.
 * @throws HelperError, and then there is nothing of it, and the older one is as it was
 */
export function writeSeedImage(image: SeedImage, sys: System): string {
  const fail = (problem: SeedProblem, options?: ErrorOptions) =>
    new HelperError({ kind: "seed-failed", path: image.path, problem }, { cause: options?.cause });
  try {
    const place = findPlace(image.path, sys);
    if (place === undefined) throw fail({ is: "foreign" });
    const problem = makeAndMove(place, image, sys);
    if (problem !== undefined) throw fail(problem);
    return sys.realPath(place);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw fail({ is: "refused", errno: errnoName(error.errno) }, { cause: error });
  }
}

/** st_mode, inode(7). */
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;
const DIRECTORY = 0o040000;

/** Where the image goes: what a symbolic link leads to is replaced, not the link. Undefined where there is something else. */
function findPlace(path: string, sys: System): string | undefined {
  // A path that begins with a hyphen would be an option.
  const named = path.startsWith("/") ? path : `./${path}`;
  try {
    const { mode } = sys.readFileFacts(named);
    if ((mode & TYPE_BITS) === DIRECTORY) throw new SystemError("open", EISDIR);
    if ((mode & TYPE_BITS) !== REGULAR_FILE) return undefined;
    const start = sys.readFile(named, HEADER_END);
    return start.length === 0 || isSeed(start) ? sys.realPath(named) : undefined;
  } catch (error) {
    if (!(error instanceof SystemError) || error.errno !== ENOENT) throw error;
    return isAnything(named, sys) ? undefined : named;
  }
}

/** What leads nowhere is there all the same. */
function isAnything(path: string, sys: System): boolean {
  try {
    sys.readOwnFacts(path);
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === ENOENT) return false;
    throw error;
  }
}

/** ECMA-119, 8.4: the primary volume descriptor is the 17th sector, its label 32 characters behind its 40th byte. */
const HEADER = 32_768;
const HEADER_END = HEADER + 72;
const LABEL = /^.CD001.{34}CIDATA *$/is;

function isSeed(start: Uint8Array): boolean {
  return LABEL.test(decodeLatin1(start.subarray(HEADER, HEADER_END)));
}

/** Returns why there is none. @throws SystemError */
function makeAndMove(place: string, { metaData, deadlineMs }: SeedImage, sys: System): SeedProblem | undefined {
  const scratch = new Scratch(place, sys);
  try {
    const metaPath = scratch.create("meta-data", metaData);
    const userPath = scratch.create("user-data", USER_DATA);
    const draft = scratch.name("draft");
    const files = [`meta-data=${escapeGraft(metaPath)}`, `user-data=${escapeGraft(userPath)}`];
    const words = ["-o", draft, "-V", "CIDATA", "-J", "-r", "-graft-points", ...files];
    const { status, program, output } = runFirst(words, deadlineMs, sys);
    const made = { is: "program-failed", program } as const;
    if (status !== 0) return { ...made, words: pickWords(output, status) };
    // Made anew, as the program's may not be on the disk yet.
    const maxBytes = metaData.length + MAX_MORE_BYTES;
    const image = sys.readFile(draft, maxBytes + 1);
    if (image.length > maxBytes || !isSeed(image)) return { ...made, words: "no seed image came of it" };
    const whole = scratch.create("image", image, sys.readFileFacts(draft));
    sys.rename(whole, place);
    return undefined;
  } finally {
    scratch.removeAll();
  }
}

/** A directory beside the image, in which nobody else can put anything, wherever that is; its files; and the end of them all. */
class Scratch {
  readonly #folder: string;
  readonly #sys: System;
  readonly #paths: string[] = [];

  /** @throws SystemError */
  constructor(place: string, sys: System) {
    this.#folder = makeFolder(place, sys);
    this.#sys = sys;
  }

  name(what: string): string {
    const path = `${this.#folder}/${what}`;
    this.#paths.push(path);
    return path;
  }

  create(what: string, content: Uint8Array, facts?: Parameters<System["createFile"]>[2]): string {
    const path = this.name(what);
    this.#sys.createFile(path, content, facts);
    return path;
  }

  removeAll(): void {
    for (const path of this.#paths) attempt(() => this.#sys.removeFile(path));
    attempt(() => this.#sys.removeDirectory(this.#folder));
  }
}

/** What goes wrong besides is not what is to be told. */
function attempt(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

const PRIVATE = 0o700;

/** Who makes the same image at the same time has another one, and so has whoever was killed and left his behind. */
const MAX_FOLDERS = 100;

function makeFolder(place: string, sys: System): string {
  for (let number = 1; ; number += 1) {
    const path = `${place}.virtssh-${number}`;
    try {
      sys.makeDirectory(path, PRIVATE);
      return path;
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== EEXIST || number === MAX_FOLDERS) throw error;
    }
  }
}

/** Option -graft-points of genisoimage(1): `=` divides the two paths, unless a backslash is before it. */
function escapeGraft(path: string): string {
  return path.replace(/[\\=]/g, (mark) => `\\${mark}`);
}

/** As a shell tells of what SIGTERM (15) has ended, which is how it ends then. */
const ENDED = 143;

interface Ran {
  readonly program: string;
  readonly status: number;
  readonly output: string;
}

/** @throws HelperError no-iso-program; SystemError */
function runFirst(words: readonly string[], deadlineMs: number, sys: System): Ran {
  for (const program of PROGRAMS) {
    try {
      const { status, output } = sys.capture([...program, ...words], deadlineMs);
      return { program: program[0], status, output: decodeUtf8(output) };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.errno === ETIMEDOUT) return { program: program[0], status: ENDED, output: "it has not ended in time" };
      if (error.errno !== ENOENT) throw error;
    }
  }
  throw new HelperError({ kind: "no-iso-program", programs: PROGRAMS.map(([name]) => name) });
}

/** The line that says why, as far as that can be told, else the last one. */
function pickWords(output: string, status: number): string {
  const lines = output.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const telling = lines.find((line) =>
    /no space left|: (?:failure|fatal|sorry) :|: error:|denied|cannot|unable to/i.test(line),
  );
  return escapeUnsafe((telling ?? lines.at(-1) ?? `status ${status}`).trim());
}
