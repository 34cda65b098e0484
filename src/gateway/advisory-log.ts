import type { Config } from '../config/schema.ts';
import type { LifecycleRecord } from '../kernel/record.ts';
import { patchesOf } from './model-book.ts';
import type { KnownUpstreams } from './threads/messages.ts';

/** Tells of the virtual patches that are on: which ones protect an upstream changes with its release, and with a reload. */
export interface AdvisoryLog {
  /** Looks at what is on now, and records each upstream for which that is another than before. */
  look(config: Config, known: KnownUpstreams): void;
}

/** @param note takes each record */
export function createAdvisoryLog(nowMs: () => number, note: (record: LifecycleRecord) => void): AdvisoryLog {
  let before = new Map<string, ReadonlySet<string>>();
  return {
    look(config, known) {
      const now = new Map<string, ReadonlySet<string>>();
      for (const [index, { name, vllmVersion }] of config.upstreams.entries()) {
        const active = new Set(patchesOf(config, known, index).map(({ id }) => id));
        const was = before.get(name);
        now.set(name, active);
        const activated = [...active.difference(was ?? new Set())].sort();
        const deactivated = [...(was ?? new Set<string>()).difference(active)].sort();
        if (was !== undefined && activated.length + deactivated.length === 0) continue;
        const version = (vllmVersion === 'auto' ? known[index]?.version : vllmVersion) ?? 'unknown';
        const detail = { upstream: name, version, activated, deactivated };
        note({ kind: 'lifecycle', timeMs: nowMs(), activity: 'advisory', detail });
      }
      before = now;
    },
  };
}
