/** `virtssh completion`: the scripts that make shells complete. */

import bash from "../../packaging/completion/virtssh.bash?raw";
import fish from "../../packaging/completion/virtssh.fish?raw";
import zsh from "../../packaging/completion/virtssh.zsh?raw";

const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };

/** `shell` is one of those above. */
export function formatCompletion(shell: string): string {
  return SCRIPTS[shell] ?? "";
}
