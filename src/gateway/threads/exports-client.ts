import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { LogFacts } from '../../adapters/log/output.ts';
import type { Config } from '../../config/schema.ts';
import type { Notice, OwnerWord, SendResult, Silence, TestResult } from '../../kernel/export.ts';
import { isExporting } from '../exports/index.ts';
import type { ExportsStart, FromExports, ToExports } from './exports-messages.ts';

/** What is told of the exports. */
export interface ExportsEvents {
  log(level: 'info' | 'warn' | 'error', event: string, facts: LogFacts): void;
  /** The records thread passes on what it hears to this port; undefined: to nobody. */
  port(port: MessagePort | undefined): void;
  /** Those that there are now. */
  silences(): readonly Silence[];
}

/** The exports thread, as the control plane sees it: there while the configuration asks for it. */
export interface Exports {
  notice(notice: Notice): void;
  /** The silences have changed. */
  silence(): void;
  tellOwner(word: OwnerWord): void;
  /** Sends a test message; undefined where nothing of that name is sent to. */
  test(destination: string): Promise<TestResult | undefined>;
  reload(config: Config): void;
  /** Gives the records thread another port, where it was started anew. */
  reconnect(): void;
  /** What was sent since the start, by destination and result. */
  figures(): ReadonlyMap<string, Readonly<Record<SendResult, number>>>;
  /** Records of the audit log that each destination still has to get. */
  lags(): ReadonlyMap<string, number>;
  close(): Promise<void>;
}

const RESTART_MS = 1_000;
const GRACE_MS = 5_000;
/** Longer than one try takes. */
const TEST_MS = 15_000;
/** What hangs is not waited for any longer than that. */
const END_MS = 6_000;

/** Starts the thread where something is to be sent, and keeps it alive. */
export function startExports(start: Omit<ExportsStart, 'records' | 'silences'>, events: ExportsEvents): Exports {
  let { config } = start;
  let thread: Worker | undefined;
  let onClosed: (() => void) | undefined;
  const tests = new Map<number, (result: TestResult | undefined) => void>();
  let lastTest = 0;
  const figures = new Map<string, Record<SendResult, number>>();
  const lags = new Map<string, number>();

  function launch(): void {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL('./exports.ts', import.meta.url), {
      workerData: { ...start, config, silences: events.silences(), records: port1 } satisfies ExportsStart,
      transferList: [port1],
      name: 'exports',
    });
    thread = worker;
    events.port(port2);
    worker.on('message', hear);
    worker.on('error', (error) =>
      events.log('error', 'exports', { why: error instanceof Error ? error.message : String(error) }),
    );
    worker.on('exit', () => {
      onClosed?.();
      if (thread !== worker) return;
      thread = undefined;
      events.port(undefined);
      setTimeout(() => {
        if (thread === undefined && onClosed === undefined && isExporting(config)) launch();
      }, RESTART_MS).unref();
    });
  }

  function hear(message: FromExports): void {
    switch (message.kind) {
      case 'log':
        return events.log(message.level, message.event, message.facts);
      case 'count': {
        const counts = figures.get(message.destination) ?? { sent: 0, failed: 0, dropped: 0 };
        counts[message.result] += message.howMany;
        return void figures.set(message.destination, counts);
      }
      case 'tested':
        return tests.get(message.id)?.(message.result);
      case 'lag':
        return void lags.set(message.destination, message.records);
      case 'closed':
        return onClosed?.();
    }
  }

  const send = (message: ToExports): void => thread?.postMessage(message);

  if (isExporting(config)) launch();
  return {
    notice: (notice) => send({ kind: 'notice', notice }),
    silence: () => send({ kind: 'silences', silences: events.silences() }),
    tellOwner: (word) => send({ kind: 'owner', word }),
    async test(destination) {
      if (thread === undefined) return undefined;
      const id = ++lastTest;
      const result = new Promise<TestResult | undefined>((resolve) => {
        tests.set(id, resolve);
        setTimeout(resolve, TEST_MS, { isSent: false, detail: 'it does not answer in time' }).unref();
      });
      send({ kind: 'test', id, destination });
      return result.finally(() => tests.delete(id));
    },
    reload(next) {
      config = next;
      if (thread !== undefined) send({ kind: 'config', config });
      else if (isExporting(config)) launch();
    },
    reconnect() {
      if (thread === undefined) return;
      const { port1, port2 } = new MessageChannel();
      thread.postMessage({ kind: 'records', port: port1 } satisfies ToExports, [port1]);
      events.port(port2);
    },
    figures: () => figures,
    // One that the configuration has no more lags no more.
    lags: () => new Map([...lags].filter(([name]) => config.auditLog.ship.some((one) => one.name === name))),
    async close() {
      const worker = thread;
      if (worker === undefined) return void (onClosed = () => undefined);
      thread = undefined;
      await new Promise<void>((resolve) => {
        const end = setTimeout(resolve, END_MS);
        onClosed = () => {
          clearTimeout(end);
          resolve();
        };
        worker.postMessage({ kind: 'close', graceMs: GRACE_MS } satisfies ToExports);
      });
      await worker.terminate();
    },
  };
}
