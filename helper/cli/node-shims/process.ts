/** Of node:process, what commander looks at before it is told otherwise: no colours, no terminal, no environment. */

/** V8's, which commander's errors call. Other engines fill in the stack by themselves. */
if (!("captureStackTrace" in Error)) Object.defineProperty(Error, "captureStackTrace", { value: () => undefined });

const stream = { isTTY: false, columns: 80, write: () => false };

// biome-ignore lint/style/noDefaultExport: node:process has one, and commander imports it
export default { stdout: stream, stderr: stream, env: {}, platform: "linux" };
