/** Stands for node:child_process, node:fs and node:path: commander needs them for subcommands that are programs of their own. */

// biome-ignore lint/style/noDefaultExport: these modules have one, and commander imports it
export default {};
