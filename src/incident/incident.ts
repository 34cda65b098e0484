import type { AuditAnswer, AuditQuestion } from '../audit-log/entry.ts';
import type { JsonObject } from '../kernel/json.ts';
import { actionsOf, type Action } from './actions.ts';
import { eventOf, type IncidentEvent } from './event.ts';
import { filterOf, type IncidentSubject } from './subject.ts';
import { isRequest, slotsOf, spanOf, tally, totalsOf, type Seen, type Slot, type Totals } from './tally.ts';
import { timeLineOf, type Moment } from './time-line.ts';

/** Another credential that was seen where this one was. */
export interface Related {
  readonly credential: string;
  /** Addresses that both have used. */
  readonly addresses: readonly string[];
  readonly requests: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What happened to or by a key, an address, or with a request. Times are milliseconds since the epoch. */
export interface Incident {
  readonly subject: IncidentSubject;
  /** The credential of the request, where the incident is a request's. */
  readonly credential: string | undefined;
  /** Of the first and last record; undefined where there is none. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly records: number;
  /** False where there are more records than are looked at: the newest are. */
  readonly isWhole: boolean;
  /** What the log knows of the key: name, tenant, scopes, models. */
  readonly known: JsonObject | undefined;
  readonly totals: Totals;
  readonly stepMs: number;
  readonly slots: readonly Slot[];
  readonly models: readonly Seen[];
  readonly routes: readonly Seen[];
  readonly upstreams: readonly Seen[];
  readonly addresses: readonly Seen[];
  readonly programs: readonly Seen[];
  readonly refusals: readonly Seen[];
  readonly credentials: readonly Seen[];
  readonly related: readonly Related[];
  readonly timeLine: readonly Moment[];
  readonly actions: readonly Action[];
}

/** How a log is asked. */
export type AskLog = (question: AuditQuestion) => AuditAnswer;

const MAX_RECORDS = 50_000;
const PAGE = 5_000;
/** Addresses whose other users are looked for, and records that are looked at for each. */
const MAX_ADDRESSES = 10;
const MAX_BESIDE = 2_000;

/** Gathers all that the log knows. */
export function gatherIncident(
  subject: IncidentSubject,
  window: Pick<AuditQuestion, 'sinceMs' | 'untilMs'>,
  ask: AskLog,
): Incident {
  const own = eventsOf(ask, { ...window, ...filterOf(subject) });
  // A request alone says little: what its credential did around it is what is asked for.
  const credential = subject.kind === 'request' ? own.events.find((one) => one.credential)?.credential : undefined;
  const around = credential === undefined ? own : eventsOf(ask, { ...window, credential });
  const events = credential === undefined ? own.events : merged(own.events, around.events);
  const requests = events.filter(isRequest);
  const [firstMs, lastMs] = events.length === 0 ? [undefined, undefined] : spanOf(events);
  const addresses = tally(requests, ({ address }) => address);
  return {
    subject,
    credential,
    ...{ firstMs, lastMs },
    records: events.length,
    isWhole: own.isWhole && around.isWhole,
    known: knownOf(events),
    totals: totalsOf(requests),
    ...slotsOf(requests),
    models: tally(requests, ({ model }) => model),
    routes: tally(requests, ({ operation }) => operation),
    upstreams: tally(requests, ({ upstream }) => upstream),
    addresses,
    programs: tally(requests, ({ program }) => program),
    refusals: tally(
      requests.filter(({ activity }) => activity === 'Deny'),
      ({ code }) => code,
    ),
    credentials: tally(requests, (event) => event.credential),
    related: relatedOf(subject, requests, addresses, window, ask),
    timeLine: timeLineOf(events),
    actions: actionsOf(subject, credential, { requests, events, addresses }),
  };
}

function eventsOf(
  ask: AskLog,
  question: Omit<AuditQuestion, 'limit'>,
): {
  readonly events: IncidentEvent[];
  readonly isWhole: boolean;
} {
  const events: IncidentEvent[] = [];
  let before: number | undefined;
  while (events.length < MAX_RECORDS) {
    const { records, next } = ask({ ...question, limit: PAGE, before });
    events.push(...records.flatMap((line) => eventOf(line) ?? []));
    if (next === undefined) return { events, isWhole: true };
    before = next;
  }
  return { events, isWhole: false };
}

function merged(one: readonly IncidentEvent[], other: readonly IncidentEvent[]): IncidentEvent[] {
  return [...new Map([...one, ...other].map((event) => [event.sequence, event])).values()];
}

/** What the record of its making says, with what was changed since. */
function knownOf(events: readonly IncidentEvent[]): JsonObject | undefined {
  const changes = events
    .filter(({ kind, object }) => kind === 'change' && object?.startsWith('api-keys/') === true)
    .toSorted((a, b) => a.sequence - b.sequence);
  return changes.length === 0 ? undefined : Object.assign({}, ...changes.map(({ after }) => after ?? {}));
}

function relatedOf(
  { kind }: IncidentSubject,
  requests: readonly IncidentEvent[],
  addresses: readonly Seen[],
  window: Pick<AuditQuestion, 'sinceMs' | 'untilMs'>,
  ask: AskLog,
): Related[] {
  // Of an address or a tenant all its credentials are the incident itself.
  if (kind === 'address' || kind === 'tenant') return [];
  // A subject may have many tokens, and all of them are its own.
  const own = new Set(requests.map(({ credential }) => credential));
  const found = new Map<string, { addresses: Set<string>; requests: number; firstMs: number; lastMs: number }>();
  for (const { name: address } of addresses.slice(0, MAX_ADDRESSES)) {
    const { records } = ask({ ...window, address, kind: 'request', limit: MAX_BESIDE });
    for (const event of records.flatMap((line) => eventOf(line) ?? [])) {
      if (event.credential === undefined || own.has(event.credential) || !isRequest(event)) continue;
      const { timeMs } = event;
      const one = found.get(event.credential) ?? { addresses: new Set(), requests: 0, firstMs: timeMs, lastMs: timeMs };
      one.addresses.add(address);
      one.requests += event.count;
      one.firstMs = Math.min(one.firstMs, timeMs);
      one.lastMs = Math.max(one.lastMs, timeMs);
      found.set(event.credential, one);
    }
  }
  return [...found]
    .map(([name, one]) => ({ credential: name, ...one, addresses: [...one.addresses] }))
    .sort((a, b) => b.addresses.length - a.addresses.length || b.requests - a.requests);
}
