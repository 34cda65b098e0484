import type { Clock, Timer } from '../../kernel/clock.ts';
import type { Content, Said } from '../../kernel/content.ts';
import { createLineBatch } from '../../observers/log/observer.ts';
import type { BatchKept, RecordBatch, RecordRules, RecordsMemory } from './records-messages.ts';

/** Records of one worker on their way to the records thread. */
export interface RecordSender {
  /** Whether anything is recorded. */
  isOn(): boolean;
  /** @param content what was said, in memory that is given away */
  add(line: string, content?: Content): void;
  /** Whether nothing may be done before its record is on disk. */
  isStrict(): boolean;
  /** Resolves once all that was added is on disk; false where that failed and requests are to be refused for it. */
  kept(): Promise<boolean>;
  /** Whether requests are to be refused, for nothing can be recorded. */
  isRefusing(): boolean;
  /** Hands over at once what waits. */
  handOver(): void;
  /** Records go another way from now on: the thread has ended and was started anew. */
  /** @param done batches that the thread had taken when it ended */
  setPort(port: RecordPort, done: number): void;
}

/** The way to the records thread. */
export interface RecordPort {
  post(batch: RecordBatch): void;
  onKept(told: (kept: BatchKept) => void): void;
  close(): void;
}

/** What a sender works with. */
export interface RecordSenderDeps {
  readonly row: number;
  readonly memory: RecordsMemory;
  readonly rules: () => RecordRules;
  readonly clock: Clock;
}

/** Bytes that may wait in a worker; beyond it records are dropped and counted, never the traffic held up. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Bytes of content that may wait in a worker and be on their way: beyond it texts are dropped, their digests stay. */
const MAX_CONTENT_BYTES = 32 * 1024 * 1024;
/** Batches that may be on their way: where the thread is behind, they wait here, where they are bounded. */
const MAX_ON_THE_WAY = 32;

/** Collects records and hands them over together. */
export function createRecordSender(
  first: RecordPort | undefined,
  { row, memory, rules, clock }: RecordSenderDeps,
): RecordSender {
  const lines = createLineBatch(MAX_WAITING);
  let port = first;
  let batch = 0;
  let toldDropped = 0;
  /** Records that went with a thread that has ended: nobody can say which of them it has written. */
  let gone = 0;
  /** Records of the batches that are on their way, the oldest first. */
  let onTheWay: { readonly batch: number; readonly count: number }[] = [];
  let timer: Timer | undefined;
  let isSoon = false;
  /** Records that wait here. */
  let added = 0;
  let contents: Content[] = [];
  /** Bytes of content in the next batch, and in each that is on its way. */
  let contentBytes = 0;
  const contentOnTheWay = new Map<number, number>();
  /** A record was dropped that somebody may be about to wait for. */
  let isLost = false;
  /** Who waits, by the batch that holds its record. */
  const waiting = new Map<number, ((isKept: boolean) => void)[]>();

  function heard({ batch: done, isKept }: BatchKept): void {
    for (const [number, waiters] of waiting) {
      if (number > done) continue;
      waiting.delete(number);
      for (const waiter of waiters) waiter(isKept);
    }
  }

  function handOver(): void {
    timer?.cancel();
    timer = undefined;
    isSoon = false;
    if (port === undefined) return;
    const done = memory.taken(row);
    if (batch - done >= MAX_ON_THE_WAY) return later();
    const taken = lines.take();
    const dropped = lines.dropped() - toldDropped + gone;
    if (taken === undefined && dropped === 0) return;
    toldDropped = lines.dropped();
    gone = 0;
    onTheWay = onTheWay.filter((one) => one.batch > done);
    onTheWay.push({ batch: ++batch, count: added + dropped });
    added = 0;
    memory.setWaiting(row, 0);
    port.post({ batch, lines: taken ?? new Uint8Array(0), contents, dropped });
    if (contentBytes > 0) contentOnTheWay.set(batch, contentBytes);
    contents = [];
    contentBytes = 0;
  }

  function addContent(content: Content): void {
    const bytes = keptBytes(content.prompt) + keptBytes(content.completion);
    const done = memory.taken(row);
    let all = contentBytes + bytes;
    for (const [number, onTheWay] of contentOnTheWay) {
      if (number <= done) contentOnTheWay.delete(number);
      else all += onTheWay;
    }
    if (bytes > 0 && all > MAX_CONTENT_BYTES) return void contents.push(withoutTexts(content));
    contentBytes += bytes;
    contents.push(content);
  }

  function later(): void {
    timer ??= clock.after(rules().flushMs, handOver);
  }

  port?.onKept(heard);

  return {
    isOn: () => rules().isEnabled,
    add(line, content) {
      if (!rules().isEnabled) return;
      const before = lines.dropped();
      lines.add(`${line}\n`);
      const isDropped = lines.dropped() > before;
      isLost ||= isDropped;
      if (!isDropped) memory.setWaiting(row, ++added);
      if (!isDropped && content !== undefined) addContent(content);
      later();
    },
    isStrict() {
      const { isEnabled, isStrict } = rules();
      return isEnabled && isStrict;
    },
    kept() {
      const { onFailure } = rules();
      if (port === undefined || isLost) {
        isLost = false;
        return Promise.resolve(onFailure === 'continue');
      }
      // All of one turn of the loop go together.
      if (!isSoon) setImmediate(handOver);
      isSoon = true;
      const next = batch + 1;
      return new Promise((resolve) => {
        const told = (isKept: boolean) => resolve(isKept || onFailure === 'continue');
        const waiters = waiting.get(next);
        if (waiters === undefined) waiting.set(next, [told]);
        else waiters.push(told);
      });
    },
    isRefusing() {
      const { isEnabled, onFailure } = rules();
      return isEnabled && onFailure === 'deny' && memory.isFailing();
    },
    handOver,
    setPort(next, done) {
      port?.close();
      // What was on its way has gone with the thread: the next one is told, so that the log has a gap and no silence.
      for (const one of onTheWay) if (one.batch > done) gone += one.count;
      onTheWay = [];
      heard({ batch, isKept: false });
      port = next;
      batch = 0;
      contentOnTheWay.clear();
      next.onKept(heard);
      if (gone > 0) later();
    },
  };
}

const keptBytes = (said: Said | undefined): number => said?.kept?.length ?? 0;

/** The records thread is behind: of what was said only the digests go on. */
const withoutTexts = ({ requestId, prompt, completion }: Content): Content => ({
  requestId,
  prompt: prompt && { ...prompt, kept: undefined },
  completion: completion && { ...completion, kept: undefined },
  isDropped: true,
});
