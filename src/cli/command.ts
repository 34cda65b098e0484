/** Where a command writes and reads; the process's own, or a test's. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  /** Asks a person; left out, the terminal is asked, and where there is none nobody. */
  readonly ask?: (question: string) => Promise<string>;
  /** All of standard input; left out, the process's own is read. */
  readonly stdin?: () => Promise<string>;
}

/** One command of the command line. */
export interface Command {
  /** First word, such as `keys`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help, with an example. */
  readonly help: string;
  /** Runs it; resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
  run(words: readonly string[], io: CommandIo): Promise<number>;
}

/** The command line is wrong: exit code 2, `message` says how to mend it. */
export class UsageError extends Error {
  readonly code = 'usage';
}

/** The command failed for a reason that `message` says in a line with the way out: exit code 1. */
export class CommandError extends Error {
  readonly code = 'command';
}
