import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** A Valkey or Redis server of a test's own, on loopback. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Sends one command; the answer as it came, without its frame. */
  command(...words: string[]): Promise<string>;
  /** As a crash does it. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops its process without ending it. */
  pause(): void;
  resume(): void;
}

/** @param program path of the server @param options of its command line */
export async function startTestServer(program: string, options: readonly string[] = []): Promise<TestServer> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-valkey-'));
  let child: ChildProcess | undefined;
  const server: TestServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => command(port, words),
    async start() {
      const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...options];
      const starting = spawn(program, words, { stdio: 'ignore' });
      child = starting;
      while (
        !(await command(port, ['PING']).then(
          (answer) => answer === '+PONG',
          () => false,
        ))
      ) {
        if (starting.exitCode !== null) throw new Error(`${program} ended with ${starting.exitCode}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async kill() {
      const dying = child;
      child = undefined;
      if (dying === undefined) return;
      const gone = new Promise((resolve) => dying.once('exit', resolve));
      dying.kill('SIGKILL');
      await gone;
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

function command(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const frame = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
    socket.on('error', reject);
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString().trimEnd());
    });
    socket.write(`*${words.length}\r\n${frame}`);
  });
}
