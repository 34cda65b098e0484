import type { AlertMessage } from '../../alerts/alert.ts';
import type { Channel, Sent } from '../../alerts/channel.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { SendResult, TestResult } from '../../kernel/export.ts';

/** What a delivery works with. */
export interface DeliveryDeps {
  readonly clock: Clock;
  /** A name for each message, of letters, digits, `_` and `-`. */
  readonly newId: () => string;
  /** Counts alerts that were sent or dropped, and tries that failed. */
  readonly count: (result: SendResult, howMany: number) => void;
  /** Said once when it begins to fail, and once when it works again. */
  readonly onFailing: (why: string) => void;
  readonly onWorking: () => void;
}

/** Sends one channel's messages one after the other, and never holds up who gives them. */
export interface Delivery {
  add(message: AlertMessage): void;
  /** Tries once, past the others. */
  test(message: AlertMessage): Promise<TestResult>;
  /** Tries what waits once more, as far as that goes in time; what is left is dropped. */
  close(graceMs: number): Promise<void>;
}

/** Messages that wait; a storm has become few messages before. */
const MAX_WAITING = 100;
/** One try. */
const TRY_MS = 10_000;
const FIRST_BACK_OFF_MS = 1_000;
const MAX_BACK_OFF_MS = 60_000;
/** So long a message is tried. */
const TRY_FOR_MS = 1_800_000;

interface Waiting {
  readonly message: AlertMessage;
  readonly id: string;
  readonly sinceMs: number;
}

/** A channel that hangs or fails delays nobody but itself. */
export function createDelivery(channel: Channel, deps: DeliveryDeps): Delivery {
  const { clock, count } = deps;
  const waiting: Waiting[] = [];
  let isRunning = false;
  let isClosing = false;
  let isFailing = false;
  let wake: (() => void) | undefined;
  let done: Promise<void> = Promise.resolve();

  /** One try; who does not heed its signal is left all the same. */
  function attempt(message: AlertMessage, id: string): Promise<Sent> {
    const abort = new AbortController();
    return new Promise<Sent>((resolve) => {
      const timer = clock.after(TRY_MS, () => {
        abort.abort();
        resolve({ kind: 'failed', detail: 'it does not answer in time', isFinal: false });
      });
      const end = (sent: Sent): void => {
        timer.cancel();
        resolve(sent);
      };
      channel.send(message, id, abort.signal).then(end, (error: unknown) => {
        const name = error instanceof Error ? error.name : 'fault';
        end({ kind: 'failed', detail: `it cannot be sent (${name})`, isFinal: true });
      });
    });
  }

  function noteResult(sent: Sent): void {
    const isBad = sent.kind === 'failed';
    if (isBad) count('failed', 1);
    if (isBad && !isFailing) deps.onFailing(sent.detail);
    if (!isBad && isFailing) deps.onWorking();
    isFailing = isBad;
  }

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = clock.after(ms, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });

  /** Until it is sent, or there is no use. */
  async function deliver({ message, id, sinceMs }: Waiting): Promise<SendResult> {
    for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(backOffMs * 2, MAX_BACK_OFF_MS)) {
      const sent = await attempt(message, id);
      noteResult(sent);
      if (sent.kind === 'sent') return 'sent';
      if (sent.isFinal || isClosing) return 'dropped';
      const ms = Math.max(backOffMs, sent.afterMs ?? 0);
      if (clock.nowMs() + ms > sinceMs + TRY_FOR_MS) return 'dropped';
      await pause(ms);
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const [next] = waiting;
      if (next === undefined) break;
      const result = await deliver(next);
      // After a close in between there is nothing to take.
      if (waiting[0] === next) {
        waiting.shift();
        count(result, next.message.count);
      }
    }
    isRunning = false;
  }

  return {
    add(message) {
      if (isClosing || waiting.length >= MAX_WAITING) return count('dropped', message.count);
      waiting.push({ message, id: deps.newId(), sinceMs: clock.nowMs() });
      if (isRunning) return;
      isRunning = true;
      done = run();
    },
    async test(message) {
      const sent = await attempt(message, deps.newId());
      return { isSent: sent.kind === 'sent', detail: sent.detail };
    },
    async close(graceMs) {
      isClosing = true;
      wake?.();
      await Promise.race([done, new Promise<void>((resolve) => clock.after(graceMs, resolve))]);
      for (const { message } of waiting.splice(0)) count('dropped', message.count);
    },
  };
}
