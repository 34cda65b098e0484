import type { MessagePort } from 'node:worker_threads';
import type { AuditRecord } from '../../kernel/record.ts';
import type { RecordedBatch } from './exports-messages.ts';

/** Passes what is recorded on to the exports thread, and never waits for it. */
export interface PassOn {
  /** To whom from now on; undefined: to nobody. */
  setPort(port: PassOnPort | undefined): void;
  /** Lines of requests; the bytes are given away. */
  lines(lines: Uint8Array<ArrayBuffer>): void;
  /** What is no request of a worker. Changes, holds and findings are few, and none is left out; a flood can make the others. */
  records(records: readonly AuditRecord[]): void;
}

/** What is used of a port. */
export type PassOnPort = Pick<MessagePort, 'on' | 'close'> & { postMessage(batch: RecordedBatch): void };

/** Batches that the other has not taken; a thousand requests in one are usual under load. */
const MAX_BEHIND = 64;

/** What callers make by asking: refused tokens, failed sign-ins, requests to the admin listener. */
const MANY: ReadonlySet<AuditRecord['kind']> = new Set(['request', 'token', 'sign-in']);

/** With nobody to pass it on to, all is forgotten. */
export function createPassOn(): PassOn {
  let port: PassOnPort | undefined;
  let behind = 0;
  let dropped = 0;

  function post(batch: Omit<RecordedBatch, 'dropped'>): void {
    behind++;
    port?.postMessage({ ...batch, dropped });
    dropped = 0;
  }

  return {
    setPort(next) {
      port?.close();
      port = next;
      behind = 0;
      dropped = 0;
      next?.on('message', () => {
        if (port === next) behind--;
      });
    },
    lines(lines) {
      if (port === undefined || lines.length === 0) return;
      // Its memory is bounded, however slow it is.
      if (behind < MAX_BEHIND) post({ lines });
      else dropped += lines.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
    },
    records(records) {
      if (port === undefined) return;
      const kept = behind < MAX_BEHIND ? records : records.filter(({ kind }) => !MANY.has(kind));
      dropped += records.length - kept.length;
      if (kept.length > 0) post({ records: kept });
    },
  };
}

const NEWLINE = 0x0a;
