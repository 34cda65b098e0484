import { randomUUID } from 'node:crypto';
import type { SharedCounters } from '../adapters/memory/counters.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Counters } from '../limits/counters.ts';

/** Counters of what callers spend, where the configuration keeps them. */
export interface CallerCounters {
  readonly counters: Counters;
  /** Whether the server decides; undefined where there is none to ask. */
  isUp(): boolean | undefined;
  /** Requests that were decided, or denied, without the server. */
  failures(): number;
  /** Gives back all that this thread holds elsewhere. */
  close(): Promise<void>;
}

/** What they are opened with. */
export interface CallerCountersDeps {
  readonly clock: Clock;
  /** Counters of this process; they are the ones where no server is configured. */
  readonly own: SharedCounters;
  /** Names this process among the instances, the same for all of its threads. */
  readonly instance: string;
  /** Called once for each change. @param why a word where the server cannot be asked any more */
  readonly onChange: (isUp: boolean, why: string | undefined) => void;
}

/** How long a start waits for the server; after that it goes on without. */
const READY_MS = 2_500;

/** Opens the configured counters. A server that cannot be reached stands in the way of nothing but its own decisions. */
export async function openCallerCounters(
  { url, onFailure }: Config['counters'],
  { clock, own, instance, onChange }: CallerCountersDeps,
): Promise<CallerCounters> {
  if (url === 'memory') {
    return { counters: own, isUp: () => undefined, failures: () => 0, close: () => Promise.resolve() };
  }
  // Loaded here only: a driver takes as long as half a start.
  const [{ createValkeyCounters }, { connectTo }] = await Promise.all([
    import('../adapters/valkey/counters.ts'),
    import('../adapters/valkey/connection.ts'),
  ]);
  const counters = createValkeyCounters({
    connect: connectTo(url),
    clock,
    own,
    instance,
    newId: () => randomUUID(),
    onFailure,
    onChange,
  });
  await counters.ready(READY_MS);
  if (!counters.isUp()) onChange(false, 'unreachable');
  return {
    counters,
    isUp: () => counters.isUp(),
    failures: () => counters.failures(),
    close: () => counters.close(),
  };
}
