// A guest's agent as far as libvirt passes it on: guest-info, guest-exec and guest-exec-status of QEMU's qga/qapi-schema.json.
import type { FakeError } from "./fake-libvirtd.ts";

/** What a program in the guest comes to. */
interface FakeProgram {
  readonly status?: number;
  readonly output?: string;
  readonly complaint?: string;
  /** How often it is still running when it is looked after. */
  readonly delays?: number;
}

export interface FakeProgramsOptions {
  /** By name; one that is in no row is not there. */
  readonly programs?: Readonly<Record<string, FakeProgram>>;
  readonly isBlocked?: boolean;
  /** The code of a refusal by the agent; libvirt's own before 11.2 is VIR_ERR_INTERNAL_ERROR, 1. */
  readonly refusal?: number;
}

/** VIR_ERR_AGENT_COMMAND_FAILED */
const ERR_FAILED = 113;

const returned = (value: unknown) => JSON.stringify({ return: value });
const encode = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text).toString("base64"));

/** What FakeLibvirtd's option `agentCommands` wants. */
export function makeGuestPrograms({ programs = {}, isBlocked = false, refusal = ERR_FAILED }: FakeProgramsOptions) {
  const started: { program: FakeProgram; looks: number }[] = [];
  const answers: Readonly<Record<string, (words: Record<string, unknown>) => string | FakeError>> = {
    "guest-info": () => {
      const commands = ["guest-ping", "guest-exec", "guest-exec-status"];
      return returned({ supported_commands: commands.map((name) => ({ name, enabled: !isBlocked })) });
    },
    "guest-exec": ({ path }) => {
      const program = programs[String(path)];
      if (program === undefined) return { code: refusal, message: `Failed to execute child process "${path}"` };
      started.push({ program, looks: 0 });
      return returned({ pid: started.length });
    },
    "guest-exec-status": ({ pid }) => {
      const run = started[Number(pid) - 1];
      if (run === undefined) return { code: refusal, message: "PID does not exist" };
      run.looks += 1;
      const { status = 0, output, complaint, delays = 0 } = run.program;
      if (run.looks <= delays) return returned({ exited: false });
      delete started[Number(pid) - 1]; // told once
      return returned({
        exited: true,
        exitcode: status,
        "out-data": encode(output),
        "err-data": encode(complaint),
      });
    },
  };
  return (command: string): string | FakeError => {
    const { execute, arguments: words = {} } = JSON.parse(command);
    return answers[execute]?.(words) ?? { code: refusal, message: `The command ${execute} has not been found` };
  };
}
