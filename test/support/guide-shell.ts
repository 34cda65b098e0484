import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { missingLine, type CommandStep, type Guide } from './guide.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One command that was run. */
export interface Ran {
  readonly step: CommandStep;
  readonly output: string;
  readonly ms: number;
}

/** How a guide is followed. */
export interface Following {
  /** An empty directory, in which the reader is. */
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the test has in place of what a reader has: stated where the test stands. */
  readonly instead?: (command: string) => string;
}

const PATIENCE_MS = 60_000;

/**
 * Follows a guide in one shell, as a reader does. `sp_…` in a command is the first key of the output that last showed
 * one, and the word ID its id, or the id that was shown alone. What is marked `skip=` is not run. Everything that was started is ended.
 *
 * @throws AssertionError where a command fails, or does not show what the guide shows
 */
export async function follow({ steps }: Guide, { dir, env = {}, instead }: Following): Promise<Ran[]> {
  const bin = join(dir, '..', 'bin');
  putOnPath(bin);
  const shell = spawn('bash', ['--norc', '--noprofile'], {
    cwd: dir,
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    env: { ...withoutOurs(), PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: dirname(dir), ...env },
  });
  let said = '';
  shell.stdio[3]?.on('data', (part: Buffer) => (said += part.toString()));
  const ended = new Promise((resolve) => shell.once('exit', resolve));
  const outs = join(dir, '..', 'outputs');
  mkdirSync(outs, { recursive: true });
  const done: Ran[] = [];
  let key = '';
  let id = '';
  try {
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'file') {
        mkdirSync(dirname(join(dir, step.name)), { recursive: true });
        writeFileSync(join(dir, step.name), step.text, { mode: 0o600 });
        continue;
      }
      if (step.skip !== undefined) continue;
      const told = step.command.replaceAll('sp_…', key).replace(/\bID\b/g, id);
      const command = instead?.(told) ?? told;
      const file = join(outs, `${index}.txt`);
      const startedMs = performance.now();
      if (step.stays) shell.stdin?.write(`{ ${command}\n} >'${file}' 2>&1 </dev/null &\n`);
      else shell.stdin?.write(`{ ${command}\n} >'${file}' 2>&1 </dev/null; echo "${index} $?" >&3\n`);
      const read = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
      const isOver = () =>
        step.stays
          ? read() !== '' && missingLine(step.shown, read()) === undefined
          : new RegExp(`^${index} \\d+$`, 'm').test(said);
      while (!isOver()) {
        const missing: string = `$ ${command}\n${read()}\n(missing: ${missingLine(step.shown, read()) ?? 'its end'})`;
        assert.equal(shell.exitCode, null, `the shell has ended: ${missing}`);
        assert.ok(performance.now() - startedMs < PATIENCE_MS, `not within ${PATIENCE_MS / 1000} s: ${missing}`);
        await sleep(25);
      }
      const output = read();
      const ms = performance.now() - startedMs;
      if (!step.stays) {
        const code = new RegExp(`^${index} (\\d+)$`, 'm').exec(said)?.[1];
        assert.equal(code, '0', `$ ${command}\n${output}\n(ended with ${code})`);
        assert.equal(missingLine(step.shown, output), undefined, `$ ${command}\n${output}`);
      }
      const shown = /\bsp_[0-9A-Za-z]{6}_[0-9A-Za-z]{38}\b/.exec(output)?.[0];
      key = shown ?? key;
      id = shown?.slice(3, 9) ?? /^id +(\S+)$/m.exec(output)?.[1] ?? id;
      done.push({ step, output, ms });
    }
  } finally {
    process.kill(-(shell.pid ?? 0), 'SIGKILL');
    await ended;
  }
  return done;
}

/** The environment of a reader: nothing of the test runner's, no settings of the product. */
function withoutOurs(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(SALLYPORT|NODE_|VLLM_|npm_)/.test(name));
  return Object.fromEntries(kept);
}

/** `sallyport` from the sources, and a `vllm serve` that is the simulator. */
function putOnPath(bin: string): void {
  mkdirSync(bin, { recursive: true });
  const script = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}`);
    chmodSync(join(bin, name), 0o755);
  };
  const launcher = `'${process.execPath}' '${join(root, 'bin/sallyport.mjs')}'`;
  if (!existsSync(join(bin, 'sallyport'))) script('sallyport', `exec ${launcher} "$@"\n`);
  script(
    'vllm',
    `[ "$1" = serve ] || exit 2
model=$2; shift 2
host=127.0.0.1; port=8000
while [ $# -gt 0 ]; do
  case $1 in
    --host) host=$2; shift 2 ;;
    --port) port=$2; shift 2 ;;
    --served-model-name) model=$2; shift 2 ;;
    *) shift ;;
  esac
done
exec ${launcher} simulate --listen "$host:$port" --model "$model" --chunk-interval-ms 1
`,
  );
}
