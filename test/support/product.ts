import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(root, 'bin/sallyport.mjs');

/** The product as a user starts it: a process of its own, by its launcher, in its sandbox. */
export interface Product {
  readonly child: ChildProcess;
  readonly url: string;
  readonly adminUrl: string;
  readonly caFile: string;
  readonly stateDir: string;
  /** Lines of its log so far. */
  readonly lines: readonly string[];
  /** Runs a command on the same state directory; its standard output. @throws Error where it fails */
  command(...words: string[]): string;
  /** Likewise, with all that it says; never throws. */
  run(...words: string[]): { readonly exit: number | null; readonly out: string; readonly err: string };
  /** Ends it by the signal; resolves with its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `sallyport serve` and waits until it is ready. A state directory that is given is not removed at the end. */
export async function startProduct(
  words: readonly string[],
  stateDir?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Product> {
  const dir = stateDir ?? mkdtempSync(join(tmpdir(), 'sallyport-product-'));
  const child = spawn(
    process.execPath,
    [
      launcher,
      'serve',
      '--state-dir',
      dir,
      '--listen',
      '127.0.0.1:0',
      '--admin-listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
      ...words,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  const lines: string[] = [];
  let rest = '';
  let problems = '';
  child.stderr.on('data', (part: Buffer) => {
    problems += part.toString();
  });
  const ready = await new Promise<{ public: string; admin: string; caFile: string }>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      const parts = (rest + part.toString()).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        if (line.includes('"event":"ready"'))
          resolve(JSON.parse(line) as { public: string; admin: string; caFile: string });
      }
    });
    child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${problems}`)));
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  function run(...commandWords: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...commandWords, '--state-dir', dir], {
      encoding: 'utf8',
    });
    return { exit: status, out: stdout, err: stderr };
  }
  return {
    child,
    url: ready.public,
    adminUrl: ready.admin,
    caFile: ready.caFile,
    stateDir: dir,
    lines,
    command(...commandWords) {
      const { exit, out, err } = run(...commandWords);
      if (exit !== 0) throw new Error(`${commandWords.join(' ')} ended with ${exit}: ${err}`);
      return out;
    },
    run,
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      const code = await ended;
      if (stateDir === undefined) rmSync(dir, { recursive: true, force: true });
      return code;
    },
  };
}
