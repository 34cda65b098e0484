import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { MOST_UNSIGNED_MS, type Unsigned } from '../../audit-log/unsigned.ts';
import type { AuditRecord } from '../../kernel/record.ts';
import type { WishedFinding } from '../quarantine.ts';
import { createNoteQueue } from './note-queue.ts';
import {
  openRecordsMemory,
  type FromRecords,
  type RecordRules,
  type RecordsStart,
  type ToRecords,
} from './records-messages.ts';

/** The audit log cannot be opened; `message` says why and what to do. */
export class RecordsUnusable extends Error {
  readonly code = 'audit_log';
}

/** What is told of the recording. */
export interface RecordsEvents {
  /** Nothing can be written since now. */
  failing(why: string): void;
  /** It can be written again; so many records were lost meanwhile. */
  recovered(lost: number): void;
  /** So many records were given up just now. */
  lost(count: number): void;
  /** The start has signed records as it found them that span more than a crash leaves: somebody may have written them. */
  foundUnsigned(found: Unsigned): void;
  findings(findings: readonly WishedFinding[]): void;
  /** A record could not be looked at. @param name of the error */
  deaf(name: string): void;
  /** The thread was started anew: a worker needs another port. @param done batches of it that the other had taken */
  reopened(row: number, port: MessagePort, done: number): void;
  /** The thread was started anew: what is exported needs another port. */
  unexported(): void;
}

/** The records thread, as the control plane sees it. */
export interface Records {
  /** Resolves once the log is open; what is noted before waits. Rejects with RecordsUnusable where it cannot be opened. */
  readonly opened: Promise<void>;
  /** A port for a worker that starts; what it posts there is recorded. */
  portOf(row: number): MessagePort;
  note(...records: readonly AuditRecord[]): void;
  setRules(rules: RecordRules): void;
  /** All that is recorded is passed on to this port from now on; undefined: to nobody. */
  setExports(port: MessagePort | undefined): void;
  isFailing(): boolean;
  /** Records that a worker had not handed over when it ended. */
  lostWith(row: number): number;
  /** Destroys the key of a tenant's names; false where there was none, rejects where the thread ends meanwhile. */
  erase(tenant: string): Promise<boolean>;
  /** Writes what is left and closes the log. */
  close(): Promise<void>;
}

const RESTART_MS = 1_000;

/** Starts the thread and keeps it alive. */
export function startRecords(start: RecordsStart, events: RecordsEvents): Records {
  const memory = openRecordsMemory(start.memory);
  const rows = new Set<number>();
  let { rules } = start;
  let isClosing = false;
  let onClosed: (() => void) | undefined;
  const erasures = new Map<
    number,
    { readonly done: (isErased: boolean) => void; readonly fail: (error: Error) => void }
  >();
  let lastErasure = 0;
  const notes = createNoteQueue({
    post: (one) => send({ kind: 'records', ...one }),
    written: () => memory.written(),
  });
  const first = launch();
  let thread = first.worker;

  function launch(): { readonly worker: Worker; readonly opened: Promise<void> } {
    const worker = new Worker(new URL('./records.ts', import.meta.url), {
      workerData: { ...start, rules } satisfies RecordsStart,
      name: 'records',
    });
    const opening = new Promise<void>((resolve, reject) => {
      let isOpen = false;
      let why = 'the thread has ended';
      worker.on('message', (message: FromRecords) => {
        if (message.kind === 'open') {
          isOpen = true;
          if (message.foundUnsigned.spanMs > MOST_UNSIGNED_MS) events.foundUnsigned(message.foundUnsigned);
          resolve();
        } else if (message.kind === 'unusable') {
          reject(new RecordsUnusable(message.message));
          void worker.terminate();
        } else hear(message);
      });
      worker.on('error', (error) => void (why = error instanceof Error ? error.message : String(error)));
      worker.on('exit', () => {
        for (const { fail } of erasures.values()) fail(new RecordsUnusable(why));
        erasures.clear();
        if (!isOpen) return reject(new RecordsUnusable(why));
        if (isClosing) return onClosed?.();
        memory.setFailing(true);
        events.failing(why);
        setTimeout(() => void restart(), RESTART_MS).unref();
      });
    });
    // Who waits for it hears of it; until somebody does, it must not end the process.
    opening.catch(() => undefined);
    return { worker, opened: opening };
  }

  async function restart(): Promise<void> {
    try {
      const next = launch();
      thread = next.worker;
      await next.opened;
    } catch {
      // What stands in the way was said; it may go.
      if (!isClosing) setTimeout(() => void restart(), RESTART_MS).unref();
      return;
    }
    memory.setFailing(false);
    notes.again();
    for (const row of rows) {
      const done = memory.taken(row);
      // Before the worker counts anew: what the old thread has taken says nothing of what the new one has.
      memory.setTaken(row, 0);
      events.reopened(row, portOf(row), done);
    }
    events.unexported();
    events.recovered(0);
  }

  function hear(message: FromRecords): void {
    switch (message.kind) {
      case 'failing':
        return events.failing(message.why);
      case 'recovered':
        return events.recovered(message.lost);
      case 'lost':
        return events.lost(message.count);
      case 'deaf':
        return events.deaf(message.name);
      case 'findings':
        return events.findings(message.findings);
      case 'erased':
        erasures.get(message.id)?.done(message.isErased);
        return void erasures.delete(message.id);
      case 'closed':
        return void thread.terminate();
      case 'open':
      case 'unusable':
        return;
    }
  }

  const send = (message: ToRecords, transfer: readonly MessagePort[] = []): void =>
    thread.postMessage(message, [...transfer]);

  function portOf(row: number): MessagePort {
    rows.add(row);
    const { port1, port2 } = new MessageChannel();
    send({ kind: 'worker', row, port: port1 }, [port1]);
    return port2;
  }

  return {
    opened: first.opened,
    portOf,
    note: (...records) => notes.add(records),
    setRules(next) {
      rules = next;
      send({ kind: 'rules', rules });
    },
    setExports: (port) => send({ kind: 'exports', port }, port === undefined ? [] : [port]),
    isFailing: () => memory.isFailing(),
    lostWith(row) {
      const lost = memory.waiting(row);
      memory.setWaiting(row, 0);
      return lost;
    },
    erase: (tenant) =>
      new Promise((done, fail) => {
        const id = ++lastErasure;
        erasures.set(id, { done, fail });
        send({ kind: 'erase', id, tenant });
      }),
    close() {
      isClosing = true;
      return new Promise((resolve) => {
        onClosed = resolve;
        send({ kind: 'close' });
      });
    },
  };
}
