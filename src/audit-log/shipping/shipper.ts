import type { Clock, Timer } from '../../kernel/clock.ts';
import { tryAtTheEnd } from '../last-tries.ts';
import type { Parcel, Sender, Verdict } from './parcel.ts';

/** How far a destination has come: the log, and the sequence number that is sent next. */
export interface ShipPosition {
  readonly origin: string;
  readonly next: number;
}

/** The log, as it is read for sending. */
export interface RecordSource {
  /** Which log it is and how many of its records are signed; undefined where there is none yet. */
  head(): { readonly origin: string; readonly signed: number } | undefined;
  /** Records from a place on, `below` not among them, in their order. Fewer, where they would be too many bytes. */
  read(from: number, below: number, atMost: number): ReadRecords;
}

/** What was read. */
export interface ReadRecords {
  readonly parcels: readonly Parcel[];
  /** Records that are gone before the first one: retention has deleted them. */
  readonly missing: number;
}

/** Somewhere outside that takes records. A rejection counts as `again`. */
export type Destination = (parcels: readonly Parcel[], sender: Sender, signal: AbortSignal) => Promise<Verdict>;

/** What a shipper works with. */
export interface ShipperDeps {
  readonly source: RecordSource;
  readonly destination: Destination;
  readonly sender: Omit<Sender, 'origin'>;
  readonly position: { read(): ShipPosition | undefined; write(position: ShipPosition): void };
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Most records of a batch. */
  readonly batch: number;
  readonly on: ShipperEvents;
}

/** What is told of it. */
export interface ShipperEvents {
  sent(count: number): void;
  /** It begins to fail, and works again: each said once. */
  failing(why: string): void;
  recovered(): void;
  /** One try was in vain. */
  failed(): void;
  /** Records that this destination will never have. */
  dropped(count: number, why: string): void;
  /** More was sent than is signed now: somebody has set the log back. @param signed what is sent on from */
  setBack(sent: number, signed: number): void;
  lag(records: number): void;
}

/** Sends the log to one destination, in its order, each record once or more often. */
export interface Shipper {
  /** Something was recorded: it is signed, and so sent, a second later. */
  wake(): void;
  /** Sends what is signed, as far as that goes within `graceMs`; where it stumbles only now it tries again meanwhile. */
  close(graceMs: number): Promise<void>;
}

const SOON_MS = 1_000;
/** What is recorded late is looked for that long. */
const AWAKE_MS = 5_000;
/** The log's own records wake nobody. */
const IDLE_MS = 30_000;
const [FIRST_BACKOFF_MS, MAX_BACKOFF_MS, MAX_ASKED_MS] = [1_000, 60_000, 300_000];

/** Starts sending from where the position says, or from the oldest record that there is. */
export function createShipper(deps: ShipperDeps): Shipper {
  const { source, destination, clock, on } = deps;
  const abort = new AbortController();
  let position = deps.position.read();
  let most = deps.batch;
  let failures = 0;
  let awakeUntilMs = 0;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let isClosing = false;

  function moveTo(next: ShipPosition): void {
    position = next;
    deps.position.write(next);
  }

  /** Where this log goes on: another one, which was begun anew, from its beginning. */
  function placeIn(origin: string): number {
    if (position?.origin === origin) return position.next;
    moveTo({ origin, next: 0 });
    return 0;
  }

  /** @returns milliseconds after which to go on */
  async function round(): Promise<number> {
    for (;;) {
      const head = source.head();
      let from = head === undefined ? 0 : placeIn(head.origin);
      if (head !== undefined && from > head.signed) {
        // What comes from here on has numbers that others had before: it would never be sent.
        on.setBack(from, head.signed);
        moveTo({ origin: head.origin, next: head.signed });
        from = head.signed;
      }
      on.lag(Math.max(0, (head?.signed ?? 0) - from));
      if (head === undefined || from >= head.signed) return clock.nowMs() < awakeUntilMs ? SOON_MS : IDLE_MS;
      const waitMs = await batch(head.origin, from, head.signed);
      if (waitMs > 0 || abort.signal.aborted) return waitMs;
    }
  }

  async function batch(origin: string, from: number, below: number): Promise<number> {
    const { parcels, missing } = source.read(from, below, most);
    if (missing > 0) on.dropped(missing, 'retention has deleted them before they were sent');
    const first = from + missing;
    // Nothing that can be read is there, though it is signed: the log itself is damaged or being deleted.
    if (parcels.length === 0) return missing > 0 ? skip({ origin, next: first }) : failed('the log cannot be read');
    const verdict = await destination(parcels, { ...deps.sender, origin }, abort.signal).catch(againBecause);
    if (verdict.kind === 'again') return failed(verdict.why, verdict.afterMs);
    if (verdict.kind === 'refused' && parcels.length > 1) {
      most = Math.ceil(parcels.length / 2);
      return 0;
    }
    const dropped = verdict.kind === 'refused' ? parcels.length : Math.min(verdict.dropped, parcels.length);
    if (dropped > 0) on.dropped(dropped, verdict.why ?? 'no reason');
    moveTo({ origin, next: first + parcels.length });
    // Back to whole batches by and by: what one record did to its batch it does to no other.
    most = Math.min(deps.batch, most * 2);
    worked(parcels.length - dropped);
    return 0;
  }

  function skip(next: ShipPosition): number {
    moveTo(next);
    return 0;
  }

  function worked(count: number): void {
    if (failures > 0) on.recovered();
    failures = 0;
    if (count > 0) on.sent(count);
  }

  function failed(why: string, askedMs = 0): number {
    if (abort.signal.aborted) return IDLE_MS;
    if (failures === 0) on.failing(why);
    failures++;
    on.failed();
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10));
    return Math.max(backoffMs, Math.min(askedMs, MAX_ASKED_MS));
  }

  function run(): void {
    timer?.cancel();
    running ??= round()
      .catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)))
      .then((waitMs) => {
        running = undefined;
        if (!isClosing) timer = clock.after(waitMs, run);
      });
  }

  run();
  return {
    wake() {
      const wasAwake = clock.nowMs() < awakeUntilMs;
      awakeUntilMs = clock.nowMs() + AWAKE_MS;
      // Whoever waits after a failure is not hurried.
      if (wasAwake || running !== undefined || failures > 0 || isClosing) return;
      timer?.cancel();
      timer = clock.after(SOON_MS, run);
    },
    async close(graceMs) {
      isClosing = true;
      // One that was down before is asked once: it must not make each stop longer.
      const isAskedOnce = failures > 0;
      const end = clock.after(graceMs, () => abort.abort());
      await running;
      const attempt = async (): Promise<boolean> => {
        run();
        await running;
        return isAskedOnce || failures === 0;
      };
      await tryAtTheEnd(attempt, clock, abort.signal);
      end.cancel();
      abort.abort();
    },
  };
}

const againBecause = (error: unknown): Verdict => ({
  kind: 'again',
  why: error instanceof Error ? error.message : String(error),
});
