import { randomUUID } from 'node:crypto';
import type { SharedCounters } from '../adapters/memory/counters.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Counters } from '../limits/counters.ts';
import type { JournalPage, RestoredJournal } from '../limits/journal.ts';
import type { WallClock } from '../limits/wall-clock.ts';

/** Counters of what callers spend, where the configuration keeps them. */
export interface CallerCounters {
  readonly counters: Counters;
  /** Whether the server decides; undefined where there is none to ask. */
  isUp(): boolean | undefined;
  /** Requests that were decided, or denied, without the server. */
  failures(): number;
  /** Whether anything was used of a budget that the server is not known to have been told. */
  hasUntold(): boolean;
  /** Gives back all that this thread holds elsewhere. */
  close(): Promise<void>;
}

/** What they are opened with. */
export interface CallerCountersDeps {
  readonly clock: Clock;
  /** What the windows of budgets go by. */
  readonly wall: Pick<WallClock, 'nowMs'>;
  /** Counters of this process; they are the ones where no server is configured. */
  readonly own: SharedCounters;
  /** Names this process among the instances, the same for all of its threads. */
  readonly instance: string;
  /** Called once for each change. @param why a word where the server cannot be asked any more */
  readonly onChange: (isUp: boolean, why: string | undefined) => void;
  /** What was known of budgets before; a server that has lost it, or was not told, gets it from here. */
  readonly before?: RestoredJournal | undefined;
  /** Takes what would be lost with this thread. */
  readonly onJournal?: ((page: JournalPage) => void) | undefined;
}

/** How long a start waits for the server; after that it goes on without. */
const READY_MS = 2_500;

/** Opens the configured counters. A server that cannot be reached stands in the way of nothing but its own decisions. */
export async function openCallerCounters(
  { url, onFailure }: Config['counters'],
  deps: CallerCountersDeps,
): Promise<CallerCounters> {
  if (url === 'memory') {
    return {
      ...{ counters: deps.own, isUp: () => undefined, failures: () => 0, hasUntold: () => false },
      close: () => Promise.resolve(),
    };
  }
  // Loaded here only: a driver takes as long as half a start.
  const [{ createValkeyCounters }, { connectTo }] = await Promise.all([
    import('../adapters/valkey/counters.ts'),
    import('../adapters/valkey/connection.ts'),
  ]);
  const counters = createValkeyCounters({
    ...deps,
    connect: connectTo(url),
    newId: () => randomUUID(),
    onFailure,
  });
  // The clock's timers keep nobody alive, and a thread that begins has nothing else yet: it would end where a server is silent.
  const awake = setInterval(() => undefined, READY_MS);
  await counters.ready(READY_MS);
  clearInterval(awake);
  if (!counters.isUp()) deps.onChange(false, counters.problem() ?? 'unreachable');
  return {
    counters,
    isUp: () => counters.isUp(),
    failures: () => counters.failures(),
    hasUntold: () => counters.hasUntold(),
    close: () => counters.close(),
  };
}

/** What an operator can do where the server's certificate is not trusted; undefined of other reasons. @param why a word of the system's */
export function mendOf(why: string | undefined): string | undefined {
  if (why === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another name: give the name that it has';
  if (why === undefined || !/CERT|ISSUER|VERIFY/.test(why)) return undefined;
  return 'a private CA is trusted by NODE_EXTRA_CA_CERTS=FILE';
}
