// A guest's agent, as far as keys go: QEMU's qga/commands-posix-ssh.c.

interface AgentError {
  readonly code: number;
  readonly message: string;
}

/** VIR_ERR_AGENT_COMMAND_FAILED of virterror.h. */
const ERR_COMMAND_FAILED = 113;

/** What it does not do though it says so. */
type Disobedience = "adds nothing" | "removes nothing" | "loses the first line" | "loses options";

export class FakeAuthorizedKeys {
  /** The authorized_keys of each user; undefined where there is no file. */
  readonly files: Record<string, string | undefined>;
  readonly #disobedience: Disobedience | undefined;

  constructor(files: Readonly<Record<string, string | undefined>>, disobedience?: Disobedience) {
    this.files = { ...files };
    this.#disobedience = disobedience;
  }

  /** The last line first. */
  get(user: string): string[] | AgentError {
    const text = this.files[user];
    if (text === undefined) return this.#refuse("guest-ssh-get-authorized-keys", user);
    const lines = text.split("\n").map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#")).reverse();
  }

  append(user: string, added: readonly string[]): undefined | AgentError {
    if (!Object.hasOwn(this.files, user)) return this.#refuse("guest-ssh-add-authorized-keys", user);
    const lines = this.files[user]?.split("\n") ?? [];
    const kept = this.#disobedience === "loses options" ? added.map((line) => line.replace(/^.* (?=ssh-)/, "")) : added;
    const fresh = this.#disobedience === "adds nothing" ? [] : kept.filter((line) => !lines.includes(line));
    this.files[user] = [...lines.slice(this.#disobedience === "loses the first line" ? 1 : 0), ...fresh].join("\n");
    return undefined;
  }

  remove(user: string, removed: readonly string[]): undefined | AgentError {
    if (!Object.hasOwn(this.files, user)) return this.#refuse("guest-ssh-remove-authorized-keys", user);
    const lines = this.files[user]?.split("\n");
    if (lines === undefined || this.#disobedience === "removes nothing") return undefined;
    const kept = lines.filter((line) => !removed.includes(line));
    this.files[user] = kept.slice(this.#disobedience === "loses the first line" ? 1 : 0).join("\n");
    return undefined;
  }

  #refuse(command: string, user: string): AgentError {
    const path = `/home/${user}/.ssh/authorized_keys`;
    const why = Object.hasOwn(this.files, user)
      ? `failed to read '${path}': Failed to open file “${path}”: No such file or directory`
      : `failed to lookup user '${user}': No such file or directory`;
    return { code: ERR_COMMAND_FAILED, message: `unable to execute QEMU agent command '${command}': ${why}` };
  }
}
