import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debian } from './install.ts';
import type { RunningPeer } from './peers/peer.ts';
import { freePort, listening } from './peers/peer.ts';
import { LOAD_CORE, run, start, type Started } from './processes.ts';

/** What a load prints; times in milliseconds. */
export interface LoadResult {
  /** Requests that were answered, or events that arrived. */
  readonly count: number;
  readonly errors: number;
  readonly error: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A peer that takes longer for one measurement has failed it. */
const MOST_MS = 90_000;

let binary = '';

/** Builds the native half of the bench. @throws Error where there is no Go or it is too old */
export async function buildLoad(installs: string): Promise<void> {
  await debian('go', 'golang-go');
  mkdirSync(installs, { recursive: true });
  binary = join(installs, 'load');
  await run('go', ['build', '-C', fileURLToPath(new URL('./load', import.meta.url)), '-o', binary, '.']);
}

/** Starts the upstream. */
export async function startUpstream(folder: string): Promise<{ started: Started; url: string }> {
  const port = await freePort();
  const started = start(binary, ['upstream', '-listen', `127.0.0.1:${port}`], {
    core: LOAD_CORE,
    logFile: join(folder, 'upstream.log'),
    env: { ...process.env, GOMAXPROCS: '1', GOGC: '400' },
  });
  await listening(port, started, 'the upstream');
  return { started, url: `http://127.0.0.1:${port}` };
}

/** Runs a load against a peer. */
export async function load(
  kind: 'closed' | 'open' | 'sse' | 'hold',
  peer: Pick<RunningPeer, 'url' | 'headers' | 'caFile'>,
  body: object,
  flags: Readonly<Record<string, number>>,
  onOpen?: () => void,
): Promise<LoadResult> {
  const words = [kind, '-url', peer.url, '-body', JSON.stringify(body)];
  for (const header of peer.headers) words.push('-header', header);
  if (peer.caFile === undefined) words.push('-insecure');
  else words.push('-ca', peer.caFile);
  for (const [name, value] of Object.entries(flags)) words.push(`-${name}`, String(value));
  const out = await run(binary, words, {
    core: LOAD_CORE,
    timeoutMs: MOST_MS,
    // One thread that sends at fixed times must not wait for the one that reads.
    env: { ...process.env, GOMAXPROCS: kind === 'open' ? '2' : '1', GOGC: '400' },
    onStderr: (text) => text.includes('open') && onOpen?.(),
  });
  // The program's own output form.
  return JSON.parse(out) as LoadResult;
}
