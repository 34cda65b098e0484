import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Core of what is measured, as `taskset` takes it. */
export const PROXY_CORE = '0';
/** Core of generator and upstream; the same one where the machine has no other. */
export const LOAD_CORE = availableParallelism() > 1 ? '1' : '0';
/** Two cores, for what has more than one thread. */
export const BOTH_CORES = [...new Set([PROXY_CORE, LOAD_CORE])].join(',');

/** Open files that a process may have here; each proxied stream takes two. */
export const OPEN_FILES = Number(
  /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1024,
);

/** A process that was started here and ends with the bench, however that ends. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Ends it with all its children. */
  stop(): Promise<void>;
}

const running = new Set<Started>();
/** What runs to its end, such as loads. */
const passing = new Set<number>();

/** How a process is started. */
export interface StartOptions {
  readonly core: string;
  /** File that takes standard output and standard error. */
  readonly logFile: string;
  /** The whole environment; the bench's own where it is left out. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a process on its core. */
export function start(command: string, args: readonly string[], options: StartOptions): Started {
  const log = openSync(options.logFile, 'a');
  const child = spawn(...pinned(options.core, command, args), {
    stdio: ['ignore', log, log],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} cannot be started`);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const started: Started = {
    child,
    pid,
    async stop() {
      running.delete(started);
      const family = familyOf(pid);
      child.kill('SIGTERM');
      const late = setTimeout(() => family.forEach(kill), 3_000);
      await ended;
      clearTimeout(late);
      family.forEach(kill);
    },
  };
  running.add(started);
  return started;
}

/** Ends everything that was started. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((started) => started.stop()));
}

/** Ends everything at once, for an exit that cannot wait. */
export function killAll(): void {
  for (const pid of [...[...running].map((started) => started.pid), ...passing]) familyOf(pid).forEach(kill);
}

/** Runs a command to its end on one core; its standard output. @throws Error where it fails */
export function run(
  command: string,
  args: readonly string[],
  options: {
    /** Cut after this long. */
    readonly timeoutMs?: number;
    readonly core?: string;
    readonly onStderr?: (text: string) => void;
    readonly env?: NodeJS.ProcessEnv;
  } = {},
): Promise<string> {
  const [file, words] = options.core === undefined ? [command, args] : pinned(options.core, command, args);
  return new Promise((resolve, reject) => {
    const child = spawn(file, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 0,
      killSignal: 'SIGKILL',
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const { pid } = child;
    if (pid !== undefined) passing.add(pid);
    let out = '';
    let err = '';
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr.on('data', (part: Buffer) => {
      err += part.toString();
      options.onStderr?.(part.toString());
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (pid !== undefined) passing.delete(pid);
      if (code === 0) resolve(out);
      else if (signal !== null) reject(new Error(`took longer than ${(options.timeoutMs ?? 0) / 1000} s`));
      else reject(new Error(`${command} ${args[0] ?? ''} ended with ${code}: ${err.trim().slice(-300)}`));
    });
  });
}

function pinned(core: string, command: string, args: readonly string[]): [string, string[]] {
  return ['prlimit', [`--nofile=${OPEN_FILES}:${OPEN_FILES}`, 'taskset', '-c', core, command, ...args]];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** A process and all that descend from it. */
export function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))?.[1]);
    if (Number.isNaN(parent)) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const family = [pid];
  for (const member of family) family.push(...(children.get(member) ?? []));
  return family;
}

/** Fields of `/proc/PID/stat` after the name, from the state on (proc(5)). */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Microseconds of CPU that a process, its threads and its children have had (`schedstat`, nanoseconds). */
export function cpuUs(pid: number): number {
  let ns = 0;
  for (const member of familyOf(pid)) {
    for (const task of list(`/proc/${member}/task`)) {
      ns += Number(read(`/proc/${member}/task/${task}/schedstat`)?.split(' ')[0] ?? 0);
    }
  }
  return ns / 1000;
}

/** Bytes of memory that a process and its children hold (`VmRSS`). */
export function residentBytes(pid: number): number {
  let kib = 0;
  for (const member of familyOf(pid)) {
    kib += Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${member}/status`) ?? '')?.[1] ?? 0);
  }
  return kib * 1024;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
