import type { RequestRecord } from '../../kernel/record.ts';

/** Refusals that cost their caller nothing: whoever goes on after them could fill the disk with records of it. */
const CHEAP: ReadonlySet<string | undefined> = new Set([
  ...['rate_limited', 'concurrency_limited', 'too_many_failures', 'ip_denied'],
]);
/** Heads that cannot be read: no limit of requests has seen them. Of somebody who is known it is a refusal like others. */
const UNREAD: ReadonlySet<string | undefined> = new Set([
  ...['invalid_request', 'headers_too_large', 'request_timeout', 'not_implemented'],
]);

/** What tells a refusal from others. */
export interface Refusal {
  readonly code: RequestRecord['code'];
  readonly network: string;
  /** Key or token; undefined where nobody is proven to ask. */
  readonly caller: string | undefined;
}

/** Refusals of one kind, for one caller, that were not recorded by themselves. */
export interface Repeated {
  /** The record of the first of them. */
  readonly line: string;
  readonly count: number;
  /** They are of several callers: whoever the record names is one of them. */
  readonly isOfSeveral: boolean;
}

/** Decides which refusals are recorded each, and counts the others. */
export interface Repeats {
  /** Whether it is only counted. @param lineOf its record, asked for of the first one that is */
  isCounted(refusal: Refusal, lineOf: () => string): boolean;
  /** What was counted since the last time: asked for once a minute. */
  take(): readonly Repeated[];
}

/** Of one caller and kind, in a minute; the detector needs 400 in five minutes of an address where many are let in. */
const MAX_ALONE = 120;
/** Callers that are told apart; the rest are counted together, by their code. */
const MAX_CALLERS = 10_000;

/** None of them is lost: what is not recorded by itself stands in a record that says how many it is for. */
export function createRepeats(): Repeats {
  let counts = new Map<string, { count: number; line: string; readonly isOfSeveral: boolean }>();

  return {
    isCounted({ code, network, caller }, lineOf) {
      if (!CHEAP.has(code) && !(caller === undefined && UNREAD.has(code))) return false;
      const own = `${code} ${caller ?? ''} ${network}`;
      const isOfSeveral = !counts.has(own) && counts.size >= MAX_CALLERS;
      const name = isOfSeveral ? `${code}` : own;
      const entry = counts.get(name) ?? { count: 0, line: '', isOfSeveral };
      counts.set(name, entry);
      entry.count++;
      // Its text alone is kept: the request itself may be large.
      if (entry.count === MAX_ALONE + 1) entry.line = lineOf();
      return entry.count > MAX_ALONE;
    },
    take() {
      const over = [...counts.values()].filter(({ count }) => count > MAX_ALONE);
      counts = new Map();
      return over.map(({ count, line, isOfSeveral }) => ({ line, count: count - MAX_ALONE, isOfSeveral }));
    },
  };
}
