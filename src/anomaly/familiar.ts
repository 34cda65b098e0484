import { AT, FAMILIAR_PLACES, FAMILIAR_WORDS, type FamiliarKind } from './layout.ts';
import type { Profile } from './profile.ts';

/** What a subject is usually used with: networks, clients, models, routes; a few places for each, by hash. */
const HASH = 0;
const FIRST_S = 1;
const LAST_S = 2;
const TIMES = 3;

const DAY_S = 86_400;
/** Nobody becomes familiar sooner, however often they come: a thief would otherwise be within minutes. */
const FAMILIAR_AFTER_S = DAY_S;
const FAMILIAR_TIMES = 5;
/** What was not seen for so long gives its place first. */
const FORGOTTEN_AFTER_S = 60 * DAY_S;

/** How well something is known, after it was met once more. */
export interface Meeting {
  /** Since it was met first; 0 the first time. */
  readonly ageS: number;
  readonly times: number;
  readonly isFamiliar: boolean;
}

/** Meets something once more; the first time in a full set, what was met least gives way. */
export function meet(profile: Profile, kind: FamiliarKind, hash: number, nowS: number): Meeting {
  const { u32, f32 } = profile;
  const at = placeOf(profile, kind, hash, nowS);
  if (u32[at + HASH] !== hash) {
    u32[at + HASH] = hash;
    u32[at + FIRST_S] = nowS;
    f32[at + TIMES] = 0;
  }
  u32[at + LAST_S] = nowS;
  const times = (f32[at + TIMES] ?? 0) + 1;
  f32[at + TIMES] = times;
  const ageS = Math.max(0, nowS - (u32[at + FIRST_S] ?? 0));
  return { ageS, times, isFamiliar: isFamiliar(profile, at, nowS) };
}

const isFamiliar = ({ u32, f32 }: Profile, at: number, nowS: number): boolean =>
  (f32[at + TIMES] ?? 0) >= FAMILIAR_TIMES && nowS - (u32[at + FIRST_S] ?? 0) >= FAMILIAR_AFTER_S;

function placeOf(profile: Profile, kind: FamiliarKind, hash: number, nowS: number): number {
  const { u32, f32, base } = profile;
  const begin = base + AT[kind];
  let worst = begin;
  let least = Infinity;
  for (let at = begin; at < begin + FAMILIAR_PLACES[kind] * FAMILIAR_WORDS; at += FAMILIAR_WORDS) {
    if (u32[at + HASH] === hash) return at;
    const isForgotten = nowS - (u32[at + LAST_S] ?? 0) > FORGOTTEN_AFTER_S;
    const worth = u32[at + HASH] === 0 || isForgotten ? -1 : (f32[at + TIMES] ?? 0);
    if (worth >= least) continue;
    least = worth;
    worst = at;
  }
  return worst;
}

/** How well something is known, without meeting it; undefined where it is not. */
export function known(profile: Profile, kind: FamiliarKind, hash: number, nowS: number): Meeting | undefined {
  const at = placeOf(profile, kind, hash, nowS);
  const { u32, f32 } = profile;
  if (u32[at + HASH] !== hash) return undefined;
  const ageS = Math.max(0, nowS - (u32[at + FIRST_S] ?? 0));
  return { ageS, times: f32[at + TIMES] ?? 0, isFamiliar: isFamiliar(profile, at, nowS) };
}

/** Seconds since another familiar one than this was met; Infinity where there is none. */
export function sinceOtherFamiliar(profile: Profile, kind: FamiliarKind, hash: number, nowS: number): number {
  const { u32, base } = profile;
  const begin = base + AT[kind];
  let latestS = -Infinity;
  for (let at = begin; at < begin + FAMILIAR_PLACES[kind] * FAMILIAR_WORDS; at += FAMILIAR_WORDS) {
    const known = u32[at + HASH] ?? 0;
    if (known === 0 || known === hash || !isFamiliar(profile, at, nowS)) continue;
    latestS = Math.max(latestS, u32[at + LAST_S] ?? 0);
  }
  return Math.max(0, nowS - latestS);
}

/** Makes everything that is known familiar: an operator has looked at it and let it go on. */
export function acceptAll({ u32, f32, base }: Profile, nowS: number): void {
  for (const kind of ['networks', 'agents', 'models', 'routes'] as const) {
    const begin = base + AT[kind];
    for (let at = begin; at < begin + FAMILIAR_PLACES[kind] * FAMILIAR_WORDS; at += FAMILIAR_WORDS) {
      if (u32[at + HASH] === 0) continue;
      u32[at + FIRST_S] = Math.min(u32[at + FIRST_S] ?? 0, Math.max(0, nowS - FAMILIAR_AFTER_S));
      f32[at + TIMES] = Math.max(f32[at + TIMES] ?? 0, FAMILIAR_TIMES);
    }
  }
}
