import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Started } from '../processes.ts';

/** Where and before what a peer is started. */
export interface PeerSetting {
  /** Folder of its own for configuration, state and logs. */
  readonly folder: string;
  /** Folder that stays from run to run, for what is installed. */
  readonly installs: string;
  readonly upstreamUrl: string;
  /** Certificate and key (P-256) to serve TLS 1.3 with; undefined serves in the clear. */
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string } | undefined;
  /** As `taskset` takes it. */
  readonly core: string;
  /** Threads that serve. */
  readonly workers: number;
}

/** A peer that answers. */
export interface RunningPeer {
  readonly started: Started;
  /** Where chat completions are asked for. */
  readonly url: string;
  /** Headers that it wants, as `name: value`. */
  readonly headers: readonly string[];
  /** Certificate to trust; undefined trusts any. */
  readonly caFile: string | undefined;
}

/** One proxy of the comparison. */
export interface Peer {
  readonly name: string;
  /** What it is, in a few words, for the line below the table. */
  readonly about: string;
  readonly hasTls: boolean;
  /** Makes sure that it is there. @throws Error where it cannot be had on this machine */
  install(installs: string): Promise<void>;
  version(installs: string): Promise<string>;
  start(setting: PeerSetting): Promise<RunningPeer>;
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Waits until something listens. @throws Error after 60 s or when the process has ended */
export async function listening(port: number, started: Started, what: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (started.child.exitCode !== null) throw new Error(`${what} ended while it started`);
    if (await accepts(port)) return;
    await sleep(100);
  }
  throw new Error(`${what} does not listen on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
