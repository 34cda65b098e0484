import { rankOf, worseOf, type Alert, type AlertMessage, type Severity } from './alert.ts';

/** When messages of a group are due. */
export interface GroupTimes {
  /** From the first alert to its message; none where it is critical. */
  readonly waitMs: number;
  /** Between two messages. */
  readonly intervalMs: number;
  /** Until the same thing is told again. */
  readonly repeatMs: number;
}

/** What is told of together. */
export interface Group {
  add(alert: Alert, nowMs: number): void;
  /** Whether an end that is told of is the end of anything. */
  hasOpen(key: string): boolean;
  /** Undefined where nothing waits. */
  dueMs(): number | undefined;
  /** What waits, as a message; nothing waits then. */
  take(nowMs: number): AlertMessage;
  /** Nothing waits, nothing is open, and the same thing would be told again. */
  isIdle(nowMs: number): boolean;
}

/** Alerts that a message shows; the others are counted. */
const MAX_SHOWN = 5;
/** Different things that one group tells apart, whoever makes them up: past it the oldest is forgotten, and may be told twice. */
const MAX_KEYS = 200;
/** What is critical is told at once, but never more often than that. */
const CRITICAL_INTERVAL_MS = 30_000;

/** @param isOther it takes whatever had no room elsewhere */
export function createGroup(first: Alert, times: GroupTimes, isOther = false): Group {
  const event = isOther ? 'other' : first.event;
  const tenant = isOther ? undefined : first.tenant;
  const name = isOther ? OTHER : first.group;
  const told = new Map<string, { readonly atMs: number; readonly severity: Severity }>();
  const open = new Set<string>();
  /** More was open than is kept apart: that all is over is not known then. */
  let isBlurred = false;
  let lastMs: number | undefined;
  let dueMs: number | undefined;
  let waiting = emptyWaiting();

  function dueOf(alert: Alert, nowMs: number): number {
    const before = told.get(alert.key);
    // What has become worse is news.
    const isSaid = before !== undefined && rankOf(alert.severity) <= rankOf(before.severity);
    if (!alert.isResolved && isSaid && nowMs < before.atMs + times.repeatMs) return before.atMs + times.repeatMs;
    const isUrgent = alert.severity === 'critical';
    const interval = isUrgent ? Math.min(times.intervalMs, CRITICAL_INTERVAL_MS) : times.intervalMs;
    return Math.max(nowMs + (isUrgent ? 0 : times.waitMs), (lastMs ?? -Infinity) + interval);
  }

  function noteOpen({ key, isResolved }: Alert): void {
    if (isResolved) {
      open.delete(key);
      told.delete(key);
    } else if (open.has(key) || open.size < MAX_KEYS) open.add(key);
    else isBlurred = true;
  }

  /** The first ones, but what is worse has the place of what is less: else five warnings hide what is critical. */
  function show(alert: Alert): void {
    const { shown } = waiting;
    if (shown.some((one) => isSame(one, alert))) return;
    if (shown.length < MAX_SHOWN) return void shown.push(alert);
    const place = shown.findLastIndex((one) => rankOf(one.severity) < rankOf(alert.severity));
    if (place >= 0 && !alert.isResolved) shown[place] = alert;
  }

  return {
    add(alert, nowMs) {
      dueMs = Math.min(dueMs ?? Infinity, dueOf(alert, nowMs));
      noteOpen(alert);
      waiting.count += 1;
      if (!alert.isResolved) waiting.severity = worseOf(waiting.severity, alert.severity);
      show(alert);
      const { keys } = waiting;
      if (keys.size >= MAX_KEYS && !keys.has(alert.key)) return;
      keys.set(alert.key, worseOf(keys.get(alert.key) ?? 'info', alert.severity));
    },
    hasOpen: (key) => isBlurred || open.has(key),
    dueMs: () => dueMs,
    take(nowMs) {
      const { count, shown, keys, severity } = waiting;
      for (const [key, own] of keys) {
        if (!open.has(key)) continue;
        // In the order of the last news: the oldest are the first to be forgotten.
        told.delete(key);
        told.set(key, { atMs: nowMs, severity: own });
      }
      for (const [key] of told) if (told.size > MAX_KEYS) told.delete(key);
      waiting = emptyWaiting();
      dueMs = undefined;
      lastMs = nowMs;
      const isResolved = open.size === 0 && !isBlurred;
      const title = shown.findLast((one) => one.isResolved === isResolved)?.title ?? shown[0]?.title ?? event;
      const worst = shown.reduce<Severity>((worse, one) => worseOf(worse, one.severity), severity);
      return {
        ...{ kind: 'alerts', timeMs: nowMs, group: name, event, tenant, count, isResolved, lines: [] },
        severity: worst,
        title: isOther ? 'Various' : title,
        alerts: shown,
      };
    },
    isIdle: (nowMs) => waiting.count === 0 && open.size === 0 && !isBlurred && nowMs >= (lastMs ?? 0) + times.repeatMs,
  };
}

/** Name of the group of what had no room elsewhere. */
export const OTHER = '["other"]';

const isSame = (one: Alert, other: Alert): boolean => one.key === other.key && one.isResolved === other.isResolved;

const emptyWaiting = () => ({
  count: 0,
  shown: new Array<Alert>(),
  keys: new Map<string, Severity>(),
  severity: 'info' as Severity,
});
