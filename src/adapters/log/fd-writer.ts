import { write, writeSync } from 'node:fs';

/** Writes bytes to a file descriptor in order, without ever holding up who writes. */
export interface FdWriter {
  /** Queues bytes; what would exceed the bound is dropped and counted. */
  write(bytes: Uint8Array): void;
  /** Pieces that were dropped: the reader did not keep up, or is gone. */
  dropped(): number;
  /** Writes what waits, synchronously, at the end of the process. */
  flush(): void;
}

/** @param maxWaitingBytes most bytes that may wait */
export function createFdWriter(fd: number, maxWaitingBytes: number): FdWriter {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let isWriting = false;

  function next(): void {
    if (isWriting || waiting.length === 0) return;
    const bytes = waiting.length === 1 ? (waiting[0] ?? NOTHING) : Buffer.concat(waiting);
    waiting = [];
    isWriting = true;
    put(bytes, 0);
  }

  function put(bytes: Uint8Array, from: number): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => put(bytes, from), RETRY_MS);
      if (error === null && from + written < bytes.length) return put(bytes, from + written);
      // A reader that went away (a closed pipe, a full disk) must not end the gateway.
      if (error !== null) dropped++;
      waitingBytes -= bytes.length;
      isWriting = false;
      next();
    });
  }

  return {
    write(bytes) {
      if (waitingBytes + bytes.length > maxWaitingBytes) {
        dropped++;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      next();
    },
    dropped: () => dropped,
    flush() {
      try {
        for (const bytes of waiting.splice(0)) writeSync(fd, bytes);
      } catch {
        // Its reader is gone: there is nowhere left to say so.
      }
    },
  };
}

const NOTHING = new Uint8Array(0);
const RETRY_MS = 5;
