import type { JsonValue } from '../kernel/json.ts';
import type { IncidentEvent } from './event.ts';
import { isRequest } from './tally.ts';

/** One line of what happened. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Number of the record that shows it. */
  readonly sequence: number;
  /** 1 informational to 5 critical. */
  readonly severity: number;
  readonly what: string;
}

const MAX_MOMENTS = 300;
const HOUR_MS = 3_600_000;
/** So many refusals of one kind in an hour are worth a line. */
const BURST = 10;

/** What stands out, in the order in which it happened: firsts, findings, holds, changes, bursts of refusals, the end. */
export function timeLineOf(events: readonly IncidentEvent[]): Moment[] {
  const inOrder = events.toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
  const requests = inOrder.filter(isRequest);
  const moments = [
    ...firsts(requests),
    ...bursts(requests),
    ...inOrder.filter(({ kind }) => kind !== 'request').map(momentOf),
    ...ends(requests),
  ];
  // The worst stay where there are too many.
  return moments
    .toSorted((a, b) => b.severity - a.severity)
    .slice(0, MAX_MOMENTS)
    .toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence);
}

const moment = ({ timeMs, sequence }: IncidentEvent, severity: number, what: string): Moment => ({
  ...{ timeMs, sequence, severity, what },
});

function firsts(requests: readonly IncidentEvent[]): Moment[] {
  const known = new Set<string>();
  const [first] = requests;
  return requests.flatMap((event) => {
    const news = (
      [
        ['address', event.address],
        ['program', event.program],
        ['model', event.model],
        ['credential', event.credential],
      ] as const
    ).filter(([name, value]) => value !== undefined && !known.has(`${name} ${value}`));
    for (const [name, value] of news) known.add(`${name} ${value}`);
    if (news.length === 0) return [];
    const words = news.map(([name, value]) => `${name} ${value}`).join(', ');
    return [moment(event, event === first ? 1 : 2, `first request with ${words}`)];
  });
}

function bursts(requests: readonly IncidentEvent[]): Moment[] {
  const counts = new Map<string, { first: IncidentEvent; count: number }>();
  for (const event of requests) {
    if (event.activity !== 'Deny') continue;
    const name = `${event.code} ${Math.floor(event.timeMs / HOUR_MS)}`;
    const known = counts.get(name);
    if (known === undefined) counts.set(name, { first: event, count: event.count });
    else known.count += event.count;
  }
  return [...counts.values()]
    .filter(({ count }) => count >= BURST)
    .map(({ first, count }) => moment(first, 3, `${count} requests refused with ${first.code} within the hour`));
}

function ends(requests: readonly IncidentEvent[]): Moment[] {
  const last = requests.at(-1);
  return last === undefined ? [] : [moment(last, 1, `last request: ${last.activity.toLowerCase()} ${last.code ?? ''}`)];
}

function momentOf(event: IncidentEvent): Moment {
  const { kind, activity, object = '', actor, title, why, severity, before, after } = event;
  const by = actor === undefined ? '' : ` by ${actor}`;
  if (kind === 'change') {
    const changed = Object.keys({ ...before, ...after }).filter((name) => name !== 'version');
    const shown =
      before === undefined ? '' : `: ${changed.map((name) => changeOf(name, before[name], after?.[name])).join(', ')}`;
    return moment(event, Math.max(severity, 2), `${activity} ${object}${by}${shown}`);
  }
  if (kind === 'finding')
    return moment(event, severity, `${wordOf(activity)} ${title} (${object})${why === undefined ? '' : `: ${why}`}`);
  if (kind === 'sign-in')
    return moment(event, severity, `${activity} ${event.code ?? ''}${event.isGood ? '' : ' (refused)'}`);
  return moment(event, severity, `${activity}${by}`);
}

const wordOf = (activity: string): string => (activity === 'Create' ? 'found:' : `${activity}:`);

const MAX_VALUE = 80;
const changeOf = (name: string, before: JsonValue | undefined, after: JsonValue | undefined): string =>
  `${name} ${shown(before)} -> ${shown(after)}`;

function shown(value: JsonValue | undefined): string {
  const text = value === undefined ? 'none' : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
