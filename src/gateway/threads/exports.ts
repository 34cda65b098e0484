import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../../kernel/clock.ts';
import type { Export } from '../../kernel/export.ts';
import type { AuditRecord } from '../../kernel/record.ts';
import { readRecordLine } from '../../observers/records/line.ts';
import { EXPORT_KINDS, type ExportDeps } from '../exports/index.ts';
import type { ExportsStart, FromExports, RecordedBatch, ToExports } from './exports-messages.ts';

/** Sends what is recorded to whoever is to have it. What hangs outside holds up nobody but this thread. */
if (parentPort === null) throw new Error('this file is started as a worker thread');
const control = parentPort;
const start = workerData as ExportsStart;
const send = (message: FromExports): void => control.postMessage(message);

/** How long what waits may still be sent where the configuration changes. */
const CHANGE_GRACE_MS = 2_000;

let exports: readonly Export[] = [];
let { silences } = start;
/** Changes and records follow each other: an export that is opened late misses nothing that comes after. */
let turn: Promise<void> = open(start.config);

async function open(config: ExportsStart['config']): Promise<void> {
  const deps: ExportDeps = {
    ...{ config, stateDir: start.stateDir, version: start.version, instance: start.instance, host: start.host },
    publicUrl: start.publicUrl,
    clock: systemClock,
    log: (level, event, facts) => send({ kind: 'log', level, event, facts }),
    count: (destination, result, howMany) => send({ kind: 'count', destination, result, howMany }),
    lag: (destination, records) => send({ kind: 'lag', destination, records }),
  };
  const kinds = EXPORT_KINDS.filter((kind) => kind.isOn(config));
  const opened = await Promise.all(kinds.map((kind) => kind.open(deps).catch(unopened)));
  exports = opened.filter((one) => one !== undefined);
  for (const one of exports) one.silence?.(silences);
}

/** What cannot be opened, for a file that it needs is gone, must not take the others with it. */
function unopened(error: unknown): undefined {
  const why = error instanceof Error ? error.message : String(error);
  send({ kind: 'log', level: 'error', event: 'exports', facts: { why } });
}

const closeAll = (graceMs: number) => Promise.allSettled(exports.map((one) => one.close(graceMs)));

function after(work: () => void | Promise<void>): void {
  turn = turn.then(work).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    send({ kind: 'log', level: 'error', event: 'exports', facts: { why } });
  });
}

function recordsOf({ lines, records }: RecordedBatch): readonly AuditRecord[] {
  if (lines === undefined) return records ?? [];
  return Buffer.from(lines)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map(readRecordLine);
}

function hear(port: MessagePort): void {
  port.on('message', (batch: RecordedBatch) =>
    after(() => {
      port.postMessage(1);
      if (batch.dropped > 0) send({ kind: 'count', destination: 'all', result: 'dropped', howMany: batch.dropped });
      const records = recordsOf(batch);
      for (const one of exports) one.hear?.(records);
    }),
  );
}

/** Answered when it is sent: what hangs holds up nobody else. */
function test(id: number, destination: string): void {
  const [result] = exports.flatMap((one) => one.test?.(destination) ?? []);
  void Promise.resolve(result).then((done) => send({ kind: 'tested', id, result: done }));
}

hear(start.records);
control.on('message', (message: ToExports) => {
  switch (message.kind) {
    case 'notice':
      return after(() => {
        for (const one of exports) one.notice?.(message.notice);
      });
    case 'silences':
      return after(() => {
        silences = message.silences;
        for (const one of exports) one.silence?.(silences);
      });
    case 'owner':
      return after(() => {
        for (const one of exports) one.tellOwner?.(message.word);
      });
    case 'test':
      return after(() => test(message.id, message.destination));
    case 'records':
      return hear(message.port);
    case 'config':
      return after(async () => {
        await closeAll(CHANGE_GRACE_MS);
        await open(message.config);
      });
    case 'close':
      return after(async () => {
        await closeAll(message.graceMs);
        send({ kind: 'closed' });
      });
  }
});
