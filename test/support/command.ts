import assert from 'node:assert/strict';
import { CommandError, UsageError, type CommandIo } from '../../src/cli/command.ts';
import { loadCommand } from '../../src/cli/index.ts';

/** What a command did. */
export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process, as `main` does. */
export async function sallyport(stateDir: string, line: string, more: Partial<CommandIo> = {}): Promise<Ran> {
  const [name, ...words] = line.split(' ');
  const command = await loadCommand(name ?? '');
  assert.ok(command, `${name} is a command`);
  let out = '';
  let err = '';
  const io: CommandIo = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: { SALLYPORT_STATE_DIR: stateDir },
    isTerminal: false,
    ...more,
  };
  try {
    return { exit: await command.run(words, io), out, err };
  } catch (error) {
    if (!isOurs(error)) throw error;
    return { exit: error instanceof UsageError ? 2 : 1, out, err: `${err}${error.message}\n` };
  }
}

/** An error that `main` tells by its message; of any other one it shows the stack. */
function isOurs(error: unknown): error is Error {
  if (error instanceof UsageError || error instanceof CommandError) return true;
  if (!(error instanceof Error && 'code' in error)) return false;
  return typeof error.code === 'string' && !error.code.startsWith('ERR_');
}
