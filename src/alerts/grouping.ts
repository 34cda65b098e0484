import type { Alert, AlertMessage } from './alert.ts';
import { createGroup, OTHER, type Group, type GroupTimes } from './group.ts';

/** Gathers alerts into messages. Each alert is counted in exactly one message. */
export interface Grouping {
  /** False where it is the end of something that was never told of: nobody is told of that either. */
  add(alert: Alert, nowMs: number): boolean;
  /** When the next message is due; undefined where nothing waits. */
  nextMs(): number | undefined;
  /** The messages that are due; with `all` those, too, that are not. */
  take(nowMs: number, all?: boolean): AlertMessage[];
  /** Groups that are remembered. */
  size(): number;
}

/** Who can make up events and tenants can fill so many, and no more. */
const MAX_GROUPS = 100;

/** Nothing is in memory but a bounded number of groups, each with a bounded number of alerts. */
export function createGrouping(times: GroupTimes): Grouping {
  const groups = new Map<string, Group>();

  function roomFor(nowMs: number): boolean {
    if (groups.size < MAX_GROUPS) return true;
    for (const [name, group] of groups) if (name !== OTHER && group.isIdle(nowMs)) groups.delete(name);
    if (groups.size < MAX_GROUPS) return true;
    // The longest without news, which may be told once more for it.
    const [oldest] = [...groups].find(([name, group]) => name !== OTHER && group.dueMs() === undefined) ?? [];
    return oldest !== undefined && groups.delete(oldest);
  }

  function groupFor(alert: Alert, nowMs: number): Group {
    const known = groups.get(alert.group);
    const isOther = known === undefined && !roomFor(nowMs);
    const name = isOther ? OTHER : alert.group;
    const group = known ?? groups.get(name) ?? createGroup(alert, times, isOther);
    // The order of the map is that of the last news.
    groups.delete(name);
    groups.set(name, group);
    return group;
  }

  return {
    add(alert, nowMs) {
      const isOpenIn = (name: string) => groups.get(name)?.hasOpen(alert.key) === true;
      const open = [alert.group, OTHER].find(isOpenIn);
      if (alert.isResolved && open === undefined) return false;
      const group = (open === undefined ? undefined : groups.get(open)) ?? groupFor(alert, nowMs);
      group.add(alert, nowMs);
      return true;
    },
    nextMs() {
      const due = [...groups.values()].flatMap((group) => group.dueMs() ?? []);
      return due.length === 0 ? undefined : Math.min(...due);
    },
    take(nowMs, all = false) {
      const due = [...groups.values()].filter((group) => {
        const at = group.dueMs();
        return at !== undefined && (all || at <= nowMs);
      });
      return due.map((group) => group.take(nowMs));
    },
    size: () => groups.size,
  };
}
