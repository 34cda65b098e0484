import type { IncidentEvent } from './event.ts';

/** How often something was seen, and when. Times are milliseconds since the epoch. */
export interface Seen {
  readonly name: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly tokens: number;
}

/** What requests came to. */
export interface Totals {
  readonly requests: number;
  readonly answered: number;
  readonly denied: number;
  /** Cut, aborted or failed. */
  readonly broken: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Counts events by a name, the most frequent first. @param most names at most; what is more is one `others` */
export function tally(
  events: readonly IncidentEvent[],
  nameOf: (event: IncidentEvent) => string | undefined,
  most = 20,
): Seen[] {
  const sums = new Map<string, { count: number; firstMs: number; lastMs: number; tokens: number }>();
  for (const event of events) {
    const name = nameOf(event);
    if (name === undefined) continue;
    const sum = sums.get(name) ?? { count: 0, firstMs: event.timeMs, lastMs: event.timeMs, tokens: 0 };
    sum.count += event.count;
    sum.firstMs = Math.min(sum.firstMs, event.timeMs);
    sum.lastMs = Math.max(sum.lastMs, event.timeMs);
    sum.tokens += event.promptTokens + event.completionTokens;
    sums.set(name, sum);
  }
  const all = [...sums].map(([name, sum]) => ({ name, ...sum })).sort((a, b) => b.count - a.count);
  const rest = all.slice(most);
  return rest.length === 0 ? all : [...all.slice(0, most), othersOf(rest)];
}

const othersOf = (rest: readonly Seen[]): Seen => ({
  name: `${rest.length} others`,
  count: rest.reduce((sum, { count }) => sum + count, 0),
  firstMs: Math.min(...rest.map(({ firstMs }) => firstMs)),
  lastMs: Math.max(...rest.map(({ lastMs }) => lastMs)),
  tokens: rest.reduce((sum, { tokens }) => sum + tokens, 0),
});

/** Whether a record is the end of a request: one that begins is counted by its end. */
export const isRequest = ({ kind, activity }: IncidentEvent): boolean => kind === 'request' && activity !== 'Allow';

/** Sums up requests. */
export function totalsOf(requests: readonly IncidentEvent[]): Totals {
  const count = (...activities: readonly string[]) =>
    countOf(requests.filter(({ activity }) => activities.includes(activity)));
  return {
    requests: countOf(requests),
    answered: count('Answer'),
    denied: count('Deny'),
    broken: count('Cut', 'Abort', 'Fail'),
    promptTokens: requests.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    completionTokens: requests.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
  };
}

const countOf = (events: readonly IncidentEvent[]): number => events.reduce((sum, { count }) => sum + count, 0);

/** The first and the last moment of events, of which there is one at least; not spread into arguments, for they may be many. */
export const spanOf = (events: readonly IncidentEvent[]): readonly [firstMs: number, lastMs: number] =>
  events.reduce<readonly [number, number]>(
    ([first, last], { timeMs }) => [Math.min(first, timeMs), Math.max(last, timeMs)],
    [Infinity, -Infinity],
  );

/** One column of a plot. */
export interface Slot {
  /** Its begin, milliseconds since the epoch. */
  readonly startMs: number;
  readonly answered: number;
  readonly denied: number;
  readonly tokens: number;
}

const MAX_SLOTS = 72;
const STEPS_MS = [1, 5, 15, 60, 180, 720, 1440, 10_080, 43_200].map((minutes) => minutes * 60_000);

/** Requests over time, in at most 72 columns of a round width. */
export function slotsOf(requests: readonly IncidentEvent[]): { readonly stepMs: number; readonly slots: Slot[] } {
  if (requests.length === 0) return { stepMs: 60_000, slots: [] };
  const [first, last] = spanOf(requests);
  const stepMs = STEPS_MS.find((step) => (last - first) / step < MAX_SLOTS - 1) ?? Math.ceil((last - first) / 70);
  const startMs = Math.floor(first / stepMs) * stepMs;
  const slots = Array.from({ length: Math.floor((last - startMs) / stepMs) + 1 }, (_, i) => ({
    ...{ startMs: startMs + i * stepMs, answered: 0, denied: 0, tokens: 0 },
  }));
  for (const event of requests) {
    const slot = slots[Math.floor((event.timeMs - startMs) / stepMs)];
    if (slot === undefined) continue;
    slot[event.activity === 'Deny' ? 'denied' : 'answered'] += event.count;
    slot.tokens += event.promptTokens + event.completionTokens;
  }
  return { stepMs, slots };
}
