/**
 * Stands for node:fs and node:path, which commander needs for subcommands that are programs of their own, and for node:os, which
 * ssh-config asks who the user is, to evaluate a configuration.
 */

// biome-ignore lint/style/noDefaultExport: these modules have one, and commander imports it
export default {};
