import { Worker, type MessagePort } from 'node:worker_threads';
import type { AlpnCertificate } from '../../adapters/acme/challenges/tls-alpn-01.ts';
import { reclaimBans } from '../../adapters/memory/ban-cells.ts';
import { createSharedCounters } from '../../adapters/memory/counters.ts';
import { createUpstreamPlaces } from '../../adapters/memory/upstream-places.ts';
import { reclaimBodyBudget } from '../../adapters/http-server/body-budget.ts';
import type { LastUse, PermissionUse, RecordChange } from '../../directory/records.ts';
import type { TokenUse } from '../../directory/token-uses.ts';
import type { RunningView } from '../../kernel/running-view.ts';
import type { BudgetWarning } from '../../limits/budget-warnings.ts';
import type { JournalPage } from '../../limits/journal.ts';
import type { UsageRow } from '../../limits/ledger.ts';
import type { SeriesLabels } from '../../observers/metrics/series.ts';
import type { IssuerState } from '../issuer-watch.ts';
import type {
  AboutPlaces,
  FromWorker,
  KnownUpstreams,
  PlaceTold,
  Settings,
  TlsForWorkers,
  ToWorker,
  WorkerStart,
} from './messages.ts';

/** What the control plane hears from its workers. */
export interface WorkerEvents {
  /** Finished log lines, UTF-8. */
  lines(lines: Uint8Array): void;
  uses(uses: readonly LastUse[]): void;
  tokenUses(uses: readonly TokenUse[]): void;
  permissionUses(uses: readonly PermissionUse[]): void;
  usage(rows: readonly UsageRow[]): void;
  budget(warning: BudgetWarning): void;
  /** Has an issuer asked for keys that a worker does not know; what comes of it is sent to all with `setIssuers`. */
  askIssuer(issuer: string): Promise<void>;
  series(row: number, index: number, labels: SeriesLabels): void;
  /** A worker speaks of places at upstreams. */
  places(row: number, message: AboutPlaces): void;
  /** Where a worker that starts sends its records; undefined where nothing is recorded. */
  recordPort(row: number): MessagePort | undefined;
  /** Whether the counters of all instances decide for a worker, on each change. */
  counters(row: number, isUp: boolean, why: string | undefined): void;
  /** What would be lost with a worker. */
  journal(row: number, page: JournalPage): void;
  /** A worker was replaced; `why` for the log. @param running requests that it had at an upstream */
  replaced(row: number, why: string, running: number): void;
  /** A worker that ended: its metrics are to be taken over before the row is used again. */
  ended(row: number): void;
}

/** What a new worker starts with, made when it is needed. */
export type StartOf = (row: number) => WorkerStart;

/** How a change arrived at the workers. */
export interface Confirmed {
  /** Workers that confirmed. */
  readonly confirmed: number;
  /** Workers that did not in time and were replaced by ones that know the change. */
  readonly replaced: number;
}

/** The threads of the data plane. */
export interface Workers {
  /** Sends records that changed; resolves once all live workers work with them. */
  change(changes: readonly RecordChange[]): Promise<Confirmed>;
  /** Sends new settings; likewise. */
  reconfigure(settings: Settings): Promise<Confirmed>;
  setTls(tls: TlsForWorkers): void;
  /** Sends what answers TLS-ALPN-01 in place of what did; resolves once all live workers work with it. */
  setAlpn(certificates: readonly AlpnCertificate[]): Promise<Confirmed>;
  setUpstreams(upstreams: KnownUpstreams): void;
  setIssuers(issuers: readonly IssuerState[]): void;
  /** The records of a worker go there from now on. */
  setRecordPort(row: number, port: MessagePort, done: number): void;
  /** Tells a worker what came of a request that waits for a place; a worker that has ended hears nothing. */
  tellPlace(row: number, message: PlaceTold): void;
  /** What upstreams are answering now; a worker that does not say within a second is left out. */
  running(): Promise<readonly RunningView[]>;
  /** Ends one request; what it was, or undefined where none of that id runs. */
  stopRunning(requestId: string): Promise<RunningView | undefined>;
  /** Number of the last change. */
  seq(): number;
  /** State of each worker, for `instances`. */
  states(): readonly WorkerState[];
  /** Ends a worker at once, as a crash would. */
  kill(row: number): void;
  /** Lets running answers end up to the grace, then ends all. */
  drain(graceMs: number): Promise<void>;
}

/** One worker as seen from the control plane. */
export interface WorkerState {
  readonly row: number;
  readonly threadId: number;
  readonly isReady: boolean;
  readonly confirmedSeq: number;
}

/** Times of the supervision, milliseconds; tests set shorter ones. */
export interface Supervision {
  /** How long a worker may take to confirm a change. */
  readonly confirmMs: number;
  /** How old a heartbeat may be. */
  readonly stuckMs: number;
  /** How often heartbeats are looked at, and how soon a start that failed is tried again. */
  readonly checkMs: number;
  /** What a worker runs. */
  readonly entry: URL;
}

const SUPERVISION: Supervision = {
  confirmMs: 2_000,
  stuckMs: 5_000,
  checkMs: 1_000,
  entry: new URL('./worker.ts', import.meta.url),
};
const DRAIN_SLACK_MS = 2_000;
const ASK_MS = 1_000;
/** A worker whose heap grows beyond this ends by itself and is replaced, before the process suffers. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 2048, maxYoungGenerationSizeMb: 48 };

interface Live {
  readonly row: number;
  readonly worker: Worker;
  isReady: boolean;
  confirmedSeq: number;
  isEnding: boolean;
}

/**
 * Starts `count` workers and keeps them alive: one that dies, is stuck for 5 s, or does not confirm a change within
 * 2 s is ended and replaced, and what it held in shared memory is given back.
 */
export async function startWorkers(
  count: number,
  startOf: StartOf,
  events: WorkerEvents,
  { confirmMs, stuckMs, checkMs, entry }: Supervision = SUPERVISION,
): Promise<Workers> {
  const live = new Map<number, Live>();
  const confirmations = new Set<() => void>();
  let seq = 0;
  /** Who waits for what all workers say, by the number of the question. */
  const asked = new Map<number, (row: number, views: readonly RunningView[]) => void>();
  let asks = 0;
  let isDraining = false;
  let onDrained: (() => void) | undefined;
  const started = Array.from({ length: count }, (_, row) => launch(row));
  const check = setInterval(() => checkHeartbeats(), checkMs).unref();

  function launch(row: number): Promise<void> {
    const data = startOf(row);
    const recordPort = events.recordPort(row);
    const worker = new Worker(entry, {
      workerData: { ...data, seq, recordPort },
      transferList: recordPort === undefined ? [] : [recordPort],
      name: `worker-${row}`,
      resourceLimits: RESOURCE_LIMITS,
    });
    const self: Live = { row, worker, isReady: false, confirmedSeq: seq, isEnding: false };
    live.set(row, self);
    const heartbeats = new Int32Array(data.memory.heartbeats);
    Atomics.store(heartbeats, row, 0);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          self.isReady = true;
          resolve();
        }
        hear(self, message);
      });
      let cause: Error | undefined;
      worker.on('error', (error) => {
        cause = error instanceof Error ? error : new Error(String(error));
      });
      worker.on('exit', () => {
        const running = reclaim(self, data);
        if (!self.isReady) reject(cause ?? new Error('a worker ended while it started'));
        if (isDraining) {
          live.delete(row);
          if (live.size === 0) onDrained?.();
        } else if (self.isReady) {
          events.replaced(row, self.isEnding ? 'it did not answer' : (cause?.message ?? 'it ended'), running);
          relaunch(row);
        }
        wake();
      });
    });
  }

  function relaunch(row: number): void {
    launch(row).catch(() => {
      // It could not even start: try again, not at once, so that a broken machine is not kept busy with it.
      live.delete(row);
      setTimeout(() => !isDraining && relaunch(row), checkMs).unref();
    });
  }

  /** Requests that it had at an upstream. */
  function reclaim(self: Live, data: WorkerStart): number {
    const row = self.row;
    createSharedCounters(data.memory.counters, row).reclaim(row);
    const running = createUpstreamPlaces(startOf(row).settings.upstreamMemory).reclaim(row);
    reclaimBodyBudget(data.memory.bodies, row);
    reclaimBans(data.memory.bans, row);
    events.ended(row);
    return running;
  }

  function hear(self: Live, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
      case 'confirmed':
        if (message.kind === 'confirmed') self.confirmedSeq = message.seq;
        return wake();
      case 'gap': {
        const { access, revocations, quarantines } = startOf(self.row);
        return post(self, { kind: 'records', seq, access, revocations, quarantines });
      }
      case 'lines':
        return events.lines(message.lines);
      case 'uses':
        return events.uses(message.uses);
      case 'token-uses':
        return events.tokenUses(message.uses);
      case 'permission-uses':
        return events.permissionUses(message.uses);
      case 'usage':
        return events.usage(message.rows);
      case 'budget':
        return events.budget(message.warning);
      case 'ask-issuer': {
        const { issuer } = message;
        return void events.askIssuer(issuer).then(() => post(self, { kind: 'issuer-asked', issuer }));
      }
      case 'series':
        return events.series(self.row, message.index, message.labels);
      case 'wait':
      case 'leave':
      case 'freed':
        // What a worker has said last may be heard after its successor has begun.
        return live.get(self.row) === self ? events.places(self.row, message) : undefined;
      case 'running':
        return asked.get(message.ask)?.(self.row, message.views);
      case 'counters':
        return events.counters(self.row, message.isUp, message.why);
      case 'journal':
        // What a worker has said last may be heard after its successor has begun with what was known then.
        return live.get(self.row) === self ? events.journal(self.row, message.page) : undefined;
      case 'drained':
        return void self.worker.terminate();
    }
  }

  function wake(): void {
    for (const confirmation of [...confirmations]) confirmation();
  }

  function post(self: Live, message: ToWorker): void {
    self.worker.postMessage(message);
  }

  /** Asks all workers for what they see. */
  function askAll(make: (ask: number) => ToWorker): Promise<readonly RunningView[]> {
    const ask = ++asks;
    const open = new Set(
      [...live.values()].filter(({ isReady, isEnding }) => isReady && !isEnding).map(({ row }) => row),
    );
    return new Promise((resolve) => {
      const all: RunningView[] = [];
      const end = (): void => {
        clearTimeout(late);
        asked.delete(ask);
        resolve(all);
      };
      const late = setTimeout(end, ASK_MS).unref();
      asked.set(ask, (row, views) => {
        all.push(...views);
        if (open.delete(row) && open.size === 0) end();
      });
      for (const row of open) {
        const self = live.get(row);
        if (self !== undefined) post(self, make(ask));
      }
      if (open.size === 0) end();
    });
  }

  function checkHeartbeats(): void {
    const nowMs = Math.floor(process.uptime() * 1000);
    for (const self of live.values()) {
      if (!self.isReady || self.isEnding) continue;
      const beatMs = Atomics.load(new Int32Array(startOf(self.row).memory.heartbeats), self.row);
      if (nowMs - beatMs > stuckMs) end(self);
    }
  }

  function end(self: Live): void {
    self.isEnding = true;
    void self.worker.terminate();
  }

  /** Posts a numbered message to all and waits until each has confirmed it or was ended for not doing so. */
  function broadcast(make: (seq: number) => ToWorker): Promise<Confirmed> {
    const number = ++seq;
    const message = make(number);
    // One that starts now has the change in its snapshot already if it was launched after it; else it gets it here.
    const asked = [...live.values()].filter((self) => !self.isEnding);
    for (const self of asked) post(self, message);
    return new Promise((resolve) => {
      let replaced = 0;
      const late = setTimeout(() => {
        for (const self of asked) {
          if (live.get(self.row) === self && self.isReady && self.confirmedSeq < number) end(self);
        }
        tell();
      }, confirmMs);
      function tell(): void {
        const open = asked.filter((self) => live.get(self.row) === self && self.confirmedSeq < number);
        if (open.length > 0) return;
        clearTimeout(late);
        confirmations.delete(tell);
        replaced = asked.filter((self) => self.confirmedSeq < number).length;
        resolve({ confirmed: asked.length - replaced, replaced });
      }
      confirmations.add(tell);
      tell();
    });
  }

  await Promise.all(started);
  return {
    change: (changes) => broadcast((number) => ({ kind: 'delta', seq: number, changes })),
    reconfigure: (settings) => broadcast((number) => ({ kind: 'settings', seq: number, settings })),
    setTls: (tls) => live.forEach((self) => post(self, { kind: 'tls', tls })),
    setAlpn: (certificates) => broadcast((number) => ({ kind: 'alpn', seq: number, certificates })),
    setIssuers: (issuers) => live.forEach((self) => post(self, { kind: 'issuers', issuers })),
    setUpstreams: (upstreams) => live.forEach((self) => post(self, { kind: 'upstreams', upstreams })),
    setRecordPort(row, port, done) {
      live.get(row)?.worker.postMessage({ kind: 'record-port', port, done } satisfies ToWorker, [port]);
    },
    tellPlace(row, message) {
      const self = live.get(row);
      if (self !== undefined) post(self, message);
    },
    running: () => askAll((ask) => ({ kind: 'list-running', ask })),
    stopRunning: async (requestId) => (await askAll((ask) => ({ kind: 'stop-running', ask, requestId })))[0],
    seq: () => seq,
    states: () =>
      [...live.values()].map(({ row, worker, isReady, confirmedSeq }) => ({
        row,
        threadId: worker.threadId,
        isReady,
        confirmedSeq,
      })),
    kill: (row) => void live.get(row)?.worker.terminate(),
    drain(graceMs) {
      isDraining = true;
      clearInterval(check);
      return new Promise((resolve) => {
        const hard = setTimeout(() => live.forEach((self) => void self.worker.terminate()), graceMs + DRAIN_SLACK_MS);
        onDrained = () => {
          clearTimeout(hard);
          resolve();
        };
        if (live.size === 0) return onDrained();
        for (const self of live.values()) post(self, { kind: 'drain', graceMs });
      });
    },
  };
}
