// A shell's script, as text: packaging/bytecode.ts bundles it so.
declare module "*?raw" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: it is how a bundler hands a file over
  export default text;
}
