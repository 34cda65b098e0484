import type { Clock, Timer } from '../kernel/clock.ts';

/** What a collector has made of a request. */
export type PostResult =
  /** Taken, but for so many items. */
  | { readonly kind: 'taken'; readonly rejected: number }
  /** It will never be taken as it is. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It may be taken later, and not before. */
  | { readonly kind: 'later'; readonly why: string; readonly afterMs: number | undefined };

/** Sends one batch. Resolves in bounded time, and never rejects. */
export type PostBatch<Item> = (items: readonly Item[]) => Promise<PostResult>;

/** Bounds of a delivery. */
export interface DeliveryRules {
  /** Items that wait, those under way among them; further ones are dropped. */
  readonly maxWaiting: number;
  readonly maxBatch: number;
  /** How long an item waits for others. */
  readonly gatherMs: number;
  /** First pause after a failure; each further one is twice as long. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  /** How long a batch is tried. */
  readonly giveUpMs: number;
}

/** What a delivery works with. */
export interface DeliveryDeps<Item> {
  readonly post: PostBatch<Item>;
  readonly clock: Clock;
  /** 0 to 1: many gateways must not come back in the same moment. */
  readonly random: () => number;
  readonly count: (result: 'sent' | 'failed' | 'dropped', howMany: number) => void;
  /** Told when the collector begins to fail, with the reason, and when it works again, with undefined. */
  readonly onHealth: (why: string | undefined) => void;
}

/** Items on their way to a collector, in order, one batch at a time. */
export interface Delivery<Item> {
  add(item: Item): void;
  /** Sends what waits, as far as that goes in time; the rest is dropped. */
  close(graceMs: number): Promise<void>;
}

/** A collector that hangs or refuses costs the memory of `maxWaiting` items and nothing else. */
export function createDelivery<Item>(rules: DeliveryRules, deps: DeliveryDeps<Item>): Delivery<Item> {
  const { clock } = deps;
  let waiting: Item[] = [];
  let isBusy = false;
  let isClosed = false;
  let isOver = false;
  let isFailing = false;
  let gathering: Timer | undefined;
  let pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  let onIdle: (() => void) | undefined;

  function count(result: 'sent' | 'failed' | 'dropped', howMany: number): void {
    if (howMany > 0) deps.count(result, howMany);
  }

  function noteHealth(why: string | undefined): void {
    if (isFailing === (why !== undefined)) return;
    isFailing = why !== undefined;
    deps.onHealth(why);
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        pause = undefined;
        resolve();
      };
      pause = { timer: clock.after(ms, end), end };
    });
  }

  /** Tries until it is taken, refused or too old; how many were not taken. */
  async function deliver(batch: readonly Item[]): Promise<number> {
    const startedMs = clock.monotonicMs();
    for (let pauseMs = rules.firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, rules.maxPauseMs)) {
      const result = await deps.post(batch);
      if (result.kind === 'taken') {
        noteHealth(undefined);
        return result.rejected;
      }
      noteHealth(result.why);
      const waitMs = Math.min(result.kind === 'later' ? (result.afterMs ?? 0) : 0, MAX_ASKED_PAUSE_MS);
      const nextMs = Math.max(waitMs, pauseMs * (0.5 + deps.random() / 2));
      const isHopeless = result.kind === 'refused' || clock.monotonicMs() + nextMs - startedMs > rules.giveUpMs;
      if (isHopeless || isClosed) return batch.length;
      await sleep(nextMs);
    }
  }

  async function work(): Promise<void> {
    isBusy = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, rules.maxBatch);
      const failed = await deliver(batch);
      // What was still under way when nobody waited any more was counted as dropped.
      if (isOver) return;
      count('sent', batch.length - failed);
      count('failed', failed);
      waiting = waiting.slice(batch.length);
      if (waiting.length < rules.maxBatch && !isClosed) break;
    }
    isBusy = false;
    if (waiting.length > 0) gather();
    else onIdle?.();
  }

  function gather(): void {
    if (isBusy) return;
    if (waiting.length >= rules.maxBatch || isClosed) {
      gathering?.cancel();
      gathering = undefined;
      return void work();
    }
    gathering ??= clock.after(rules.gatherMs, () => {
      gathering = undefined;
      if (!isBusy) void work();
    });
  }

  return {
    add(item) {
      if (isClosed || waiting.length >= rules.maxWaiting) return count('dropped', 1);
      waiting.push(item);
      gather();
    },
    async close(graceMs) {
      isClosed = true;
      gathering?.cancel();
      pause?.timer.cancel();
      pause?.end();
      if (waiting.length === 0 && !isBusy) return;
      await new Promise<void>((resolve) => {
        const late = clock.after(graceMs, resolve);
        onIdle = () => {
          late.cancel();
          waiting = [];
          resolve();
        };
        if (!isBusy) void work();
      });
      count('dropped', waiting.length);
      waiting = [];
      isOver = true;
    },
  };
}

/** Longest pause that a collector may ask for: it must not silence us for good. */
const MAX_ASKED_PAUSE_MS = 60_000;
