import type { Silence } from '../kernel/export.ts';
import { rankOf, type Alert, type AlertMessage, type Severity } from './alert.ts';
import { nextDigestMs, type DigestRhythm } from './digest.ts';
import type { GroupTimes } from './group.ts';
import { createGrouping } from './grouping.ts';
import { silenceOf } from './silence.ts';
import { createTally, summary, type Tally } from './tally.ts';

/** What one channel is told of, and how often. */
export interface DeskOptions extends GroupTimes {
  readonly minSeverity: Severity;
  /** Empty: all. */
  readonly events: readonly string[];
  readonly tenants: readonly string[];
  readonly maxPerHour: number;
  readonly digest: DigestRhythm;
}

/** Decides what one channel is sent, and when. */
export interface Desk {
  /** What becomes of an alert: it waits for its message, is hidden by a silence, or is none of this channel's. */
  add(alert: Alert, silences: readonly Silence[], nowMs: number): 'waits' | 'silenced' | 'not-for-it';
  /** When there is something to take at the earliest; undefined: not before another alert comes. */
  nextMs(): number | undefined;
  take(nowMs: number): AlertMessage[];
  /** Whatever waits, for the end. */
  takeAll(nowMs: number): AlertMessage[];
}

const HOUR_MS = 3_600_000;

/** @param startMs when the hour begins; `reserved`: messages out of the last quarter, by their event */
const hourFrom = (startMs: number) => ({ startMs, sent: 0, reserved: new Map<string, number>() });

/** @param startMs when it begins: the first digest is of what comes after */
export function createDesk(options: DeskOptions, startMs: number): Desk {
  const grouping = createGrouping(options);
  let hour = hourFrom(startMs);
  let leftOut: Tally = createTally();
  let sumUp = { told: createTally(), silenced: 0 };
  let digestMs = nextDigestMs(options.digest, startMs);

  const isFor = ({ severity, event, tenant, isResolved }: Alert): boolean =>
    (isResolved || rankOf(severity) >= rankOf(options.minSeverity)) &&
    (options.events.length === 0 || options.events.includes(event)) &&
    (options.tenants.length === 0 || (tenant !== undefined && options.tenants.includes(tenant)));

  /**
   * A quarter of the hour's messages is kept for what is critical, so that noise cannot hide it; no event has more than a half of
   * that quarter, or who provokes one that is critical could hide all others.
   */
  function mayGo({ severity, event }: AlertMessage, nowMs: number): boolean {
    if (nowMs >= hour.startMs + HOUR_MS) hour = hourFrom(nowMs);
    const { maxPerHour } = options;
    const common = Math.floor((maxPerHour * 3) / 4);
    const own = hour.reserved.get(event) ?? 0;
    const isReserved = hour.sent >= common;
    const hasShare = severity === 'critical' && own < Math.ceil((maxPerHour - common) / 2);
    if (hour.sent >= maxPerHour || (isReserved && !hasShare)) return false;
    if (isReserved) hour.reserved.set(event, own + 1);
    hour.sent += 1;
    return true;
  }

  function cap(messages: readonly AlertMessage[], nowMs: number): AlertMessage[] {
    return messages.filter((message) => {
      if (mayGo(message, nowMs)) return true;
      leftOut.add(message.event, message.severity, message.count);
      return false;
    });
  }

  function takeLeftOut(nowMs: number): AlertMessage[] {
    if (leftOut.count === 0) return [];
    const { severity, count } = leftOut;
    const lines = leftOut.lines();
    leftOut = createTally();
    return [summary('left-out', nowMs, `${count} more alerts in the last hour`, { severity, count, lines })];
  }

  function takeDigest(nowMs: number): AlertMessage[] {
    if (digestMs === undefined || nowMs < digestMs) return [];
    const { told, silenced } = sumUp;
    sumUp = { told: createTally(), silenced: 0 };
    digestMs = nextDigestMs(options.digest, nowMs);
    const more = silenced === 0 ? [] : [`silenced: ${silenced}`];
    const title = told.count === 0 ? 'Nothing to tell of' : `${told.count} alerts`;
    // Its alerts were sent before: it stands for none.
    return [summary('digest', nowMs, title, { severity: 'info', count: 0, lines: [...told.lines(), ...more] })];
  }

  return {
    add(alert, silences, nowMs) {
      if (!isFor(alert)) return 'not-for-it';
      if (silenceOf(alert, silences, nowMs) !== undefined) {
        sumUp.silenced += 1;
        return 'silenced';
      }
      if (!grouping.add(alert, nowMs)) return 'not-for-it';
      if (!alert.isResolved) sumUp.told.add(alert.event, alert.severity, 1);
      return 'waits';
    },
    nextMs() {
      const leftOutMs = leftOut.count === 0 ? undefined : hour.startMs + HOUR_MS;
      const all = [grouping.nextMs(), leftOutMs, digestMs].filter((one) => one !== undefined);
      return all.length === 0 ? undefined : Math.min(...all);
    },
    take(nowMs) {
      const isNewHour = nowMs >= hour.startMs + HOUR_MS;
      const before = isNewHour ? takeLeftOut(nowMs) : [];
      return [...before, ...cap(grouping.take(nowMs), nowMs), ...takeDigest(nowMs)];
    },
    takeAll(nowMs) {
      const last = cap(grouping.take(nowMs, true), nowMs);
      return [...last, ...takeLeftOut(nowMs)];
    },
  };
}
