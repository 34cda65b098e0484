import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { openAuditLog } from '../../adapters/audit-log/writer.ts';
import { addContent, deleteContentBefore } from '../../adapters/audit-log/content-files.ts';
import { openNameKeys } from '../../adapters/files/audit-names.ts';
import { createContentSeals } from '../../audit-log/content.ts';
import { createNames } from '../../audit-log/names.ts';
import { createOcsf } from '../../audit-log/ocsf.ts';
import { NOTHING_UNSIGNED } from '../../audit-log/unsigned.ts';
import { systemClock } from '../../kernel/clock.ts';
import type { AuditRecord } from '../../kernel/record.ts';
import { createContentKeeper } from './content-keeper.ts';
import { createPassOn } from './pass-on.ts';
import type { Notes } from './note-queue.ts';
import { openWatch, type Watch } from './watch.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { applyRetention } from './retention.ts';
import {
  openRecordsMemory,
  type FromRecords,
  type RecordBatch,
  type RecordsStart,
  type ToRecords,
} from './records-messages.ts';

/** Hears what happens from all threads and writes it down; nobody waits for it but who wants to. */
if (parentPort === null) throw new Error('this file is started as a worker thread');
const control = parentPort;
const start = workerData as RecordsStart;
const send = (message: FromRecords): void => control.postMessage(message);
const clock = systemClock;
const memory = openRecordsMemory(start.memory);
const passOn = createPassOn();
let { rules } = start;
/** Said once. */
let isDeaf = false;

const RETRY_MS = 1_000;
/** Segments are deleted whole: more often would find nothing. */
const RETENTION_EVERY_MS = 3_600_000;

/** Where nothing is kept, and what is unusual is looked for all the same. */
const NO_LOG = { append: () => 0, lose: () => undefined, checkpoint: () => undefined, close: () => undefined };

const common = (watch: Watch) => ({
  clock,
  memory,
  onFailing: (why: string) => send({ kind: 'failing', why }),
  onRecovered: (lost: number) => send({ kind: 'recovered', lost }),
  onLost: (count: number) => send({ kind: 'lost', count }),
  onDeaf(name: string) {
    if (!isDeaf) send({ kind: 'deaf', name });
    isDeaf = true;
  },
  hear(record: AuditRecord) {
    if (rules.isWatched) watch.hear(record);
  },
});

interface Opened extends Recorder {
  readonly watch: Watch;
  /** Deletes what is too old. */
  retain(): void;
  /** Destroys the key of a tenant's names; false where there was none. */
  erase(tenant: string): boolean;
}

function opened(): Opened | undefined {
  try {
    const watch = openWatch(start.stateDir, clock, (findings) => send({ kind: 'findings', findings }));
    if (!start.isLogged) {
      send({ kind: 'open', origin: '', foundUnsigned: NOTHING_UNSIGNED });
      return {
        ...createRecorder({ ...common(watch), log: NO_LOG, textOf: () => '' }),
        watch,
        retain: () => undefined,
        erase: (tenant: string) => openNameKeys(start.stateDir).destroy(tenant),
      };
    }
    const nameKeys = openNameKeys(start.stateDir);
    const names = createNames((tenant, isNew) => nameKeys.keyOf(tenant, isNew));
    const seals = createContentSeals((tenant) => nameKeys.keyOf(tenant, true));
    const keepContent = createContentKeeper({ seals, add: (contents) => addContent(start.stateDir, contents) });
    const log = openAuditLog({ stateDir: start.stateDir, clock, onFailure: (error) => made.failed(error) });
    const made = createRecorder({ ...common(watch), log, textOf: createOcsf(start.product, names), keepContent });
    send({ kind: 'open', origin: log.origin, foundUnsigned: log.foundUnsigned });
    const retain = (): void => {
      try {
        applyRetention(log, rules, start.stateDir, clock.nowMs());
        if (rules.retentionMs !== 'none') deleteContentBefore(start.stateDir, clock.nowMs() - rules.retentionMs);
      } catch (error) {
        // A full disk: an hour later there may be room.
        made.failed(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const erase = (tenant: string): boolean => {
      const isErased = nameKeys.destroy(tenant);
      // Else what is recorded from now on could still be read by whoever dumps this memory.
      names.forget(tenant);
      seals.forget(tenant);
      return isErased;
    };
    return { ...made, watch, retain, erase };
  } catch (error) {
    send({ kind: 'unusable', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

const recorder = opened();
recorder?.retain();
setInterval(() => recorder?.retry(), RETRY_MS).unref();
setInterval(() => recorder?.retain(), RETENTION_EVERY_MS).unref();

/** Batches that came in one turn of the loop are written together: one write, one sync. */
let waiting: { readonly row: number; readonly port: MessagePort; readonly batch: RecordBatch }[] = [];
let notes: Notes[] = [];
let lastNote = 0;

function work(): void {
  const [batches, noted] = [waiting, notes];
  [waiting, notes] = [[], []];
  const isKept = recorder?.write(
    batches.map(({ batch }) => batch),
    noted,
  );
  lastNote = noted.at(-1)?.note ?? lastNote;
  // What waits for the disk would go with this thread: until it is there, it is kept where it came from, too.
  if (isKept !== false) memory.setWritten(lastNote);
  for (const { records } of noted) passOn.records(records);
  for (const { row, port, batch } of batches) {
    memory.setTaken(row, batch.batch);
    if (rules.isStrict) port.postMessage({ batch: batch.batch, isKept: isKept === true });
    passOn.lines(batch.lines);
  }
}

function workSoon(): void {
  if (waiting.length + notes.length === 0) setImmediate(work);
}

function hear(row: number, port: MessagePort): void {
  memory.setTaken(row, 0);
  port.on('message', (batch: RecordBatch) => {
    workSoon();
    waiting.push({ row, port, batch });
  });
}

control.on('message', (message: ToRecords) => {
  switch (message.kind) {
    case 'worker':
      return hear(message.row, message.port);
    case 'records':
      workSoon();
      return void notes.push(message);
    case 'exports':
      return passOn.setPort(message.port);
    case 'rules':
      rules = message.rules;
      return recorder?.retain();
    case 'erase':
      work(); // what came before is still written under names
      return send({ kind: 'erased', id: message.id, isErased: recorder?.erase(message.tenant) === true });
    case 'close':
      // What workers have posted before they ended is heard first.
      return void setImmediate(() => {
        work();
        recorder?.watch.close();
        recorder?.close();
        send({ kind: 'closed' });
      });
  }
});
