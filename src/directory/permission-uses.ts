import type { PermissionUse } from './records.ts';

/** When granted permissions were last used, as one thread collects it. */
export interface PermissionUses {
  note(holder: string, permission: string, nowMs: number): void;
  /** Adds what others have collected; what is new to the minute, to be kept. */
  merge(uses: readonly PermissionUse[]): readonly PermissionUse[];
  /** When a holder has used a permission last, milliseconds since the epoch; undefined: never. `model:*` is any model. */
  lastMs(holder: string, permission: string): number | undefined;
  /** What was collected; empties it. */
  take(): readonly PermissionUse[];
}

/** Holders that are kept; the ones that came first are forgotten first. */
const MAX_HOLDERS = 100_000;
/** Of one holder: names of models are those that upstreams serve, so more is no honest number. */
const MAX_PERMISSIONS = 256;
/** Nobody asks for the second in which a permission was used, and each note is a write of the store. */
const FINE_MS = 60_000;

const ANY_MODEL = 'model:*';

/** @param known what was collected before */
export function createPermissionUses(known: readonly PermissionUse[] = []): PermissionUses {
  const byHolder = new Map<string, Map<string, number>>();

  function put(holder: string, permission: string, atMs: number): boolean {
    let own = byHolder.get(holder);
    if (own === undefined) {
      const [oldest] = byHolder.keys();
      if (byHolder.size >= MAX_HOLDERS && oldest !== undefined) byHolder.delete(oldest);
      byHolder.set(holder, (own = new Map()));
    }
    const before = own.get(permission);
    if (before !== undefined && atMs - before < FINE_MS) return false;
    if (before === undefined && own.size >= MAX_PERMISSIONS) return false;
    own.set(permission, atMs);
    return true;
  }
  for (const { holder, permission, atMs } of known) put(holder, permission, atMs);

  return {
    note: put,
    merge: (uses) => uses.filter(({ holder, permission, atMs }) => put(holder, permission, atMs)),
    lastMs(holder, permission) {
      const own = byHolder.get(holder);
      if (permission !== ANY_MODEL) return own?.get(permission);
      const times = own?.entries().flatMap(([name, atMs]) => (name.startsWith('model:') ? [atMs] : []));
      return times?.reduce<number | undefined>((last, atMs) => Math.max(last ?? 0, atMs), undefined);
    },
    take() {
      const taken = byHolder
        .entries()
        .flatMap(([holder, own]) => own.entries().map(([permission, atMs]) => ({ holder, permission, atMs })))
        .toArray();
      byHolder.clear();
      return taken;
    },
  };
}
