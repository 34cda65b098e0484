import { COMMANDS, loadAllCommands, loadCommand } from './cli/index.ts';
import { UsageError, type CommandIo } from './cli/command.ts';
import { nearest } from './kernel/nearest.ts';
import { VERSION } from './gateway/version.ts';

/** The process entry: finds the command, runs it, turns what it says into an exit code. */
async function main(words: readonly string[]): Promise<number> {
  const io: CommandIo = {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    isTerminal: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
  };
  const [name, ...rest] = words;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(`${await overview()}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    io.out(`${VERSION}\n`);
    return 0;
  }
  const command = await loadCommand(name);
  if (command === undefined) {
    if (LATER.includes(name)) {
      io.err(`"${name}" is not in this version.\n`);
      return 2;
    }
    const near = nearest(name, Object.keys(COMMANDS));
    io.err(
      `There is no command "${name}".${near === undefined ? '' : ` Did you mean "${near}"?`} See sallyport --help.\n`,
    );
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(`${command.help}\n`);
    return 0;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    io.err(`${messageOf(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** What was thrown in words: our own errors say the way out; of others the stack helps to find the fault. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' && !error.code.startsWith('ERR_')
    ? error.message
    : (error.stack ?? error.message);
}

async function overview(): Promise<string> {
  const commands = await loadAllCommands();
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
  return `sallyport ${VERSION}: the security gateway for vLLM

Usage: sallyport COMMAND [--config FILE] [--state-dir DIR] [--json] [--help]

${list}

Example: sallyport serve --upstream http://127.0.0.1:8000`;
}

/** Commands of the product that later versions bring. */
const LATER = [
  'bans',
  'limits',
  'tokens',
  'signing-keys',
  'users',
  'clients',
  'pentest',
  'review',
  'streams',
  'quarantine',
  'usage',
  'groups',
  'roles',
  'policies',
  'sessions',
  'grants',
  'incident',
  'backup',
  'restore',
];

process.exitCode = await main(process.argv.slice(2));
// What still holds the loop (a log that nobody reads) must not keep a command from ending.
process.exit();
