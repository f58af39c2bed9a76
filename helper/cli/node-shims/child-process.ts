/** Of node:child_process, what ssh-config evaluates `Match exec` with: neither it nor commander starts a program here. */

export function spawnSync(): never {
  throw new Error("no program is started from here");
}

// biome-ignore lint/style/noDefaultExport: node:child_process has one, and commander imports it
export default {};
