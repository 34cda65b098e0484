import { AT, PROFILE_WORDS } from './layout.ts';

/** What is known of one subject: a row of 32-bit words in a page that many share. */
export interface Profile {
  readonly name: string;
  readonly tenant: string | undefined;
  /** Three views of the same page. */
  readonly f32: Float32Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  /** Index of its first word. */
  readonly base: number;
}

const PAGE_PROFILES = 256;
/** So many are looked at for the one that has to go, and more, to a bound, while all of them are worth keeping. */
const EVICTION_SAMPLE = 32;
const EVICTION_SCAN = 1_024;
/** From so many days of use on what was learned of a subject is worth keeping. */
const LEARNED_DAYS = 3;

/** Profiles by name, at most so many. */
export interface ProfileStore {
  find(name: string): Profile | undefined;
  /** The profile of a subject, a new one where there is none; in a full store another one goes. */
  open(name: string, tenant: string | undefined, nowS: number): Profile;
  all(): Iterable<Profile>;
  readonly size: number;
}

/**
 * Memory grows by pages to a bound. In a full store subjects that were hardly seen give way first, so that a flood of new
 * names displaces its own kind and not what was learned of others.
 */
export function createProfileStore(max: number): ProfileStore {
  const byName = new Map<string, Profile>();
  const slots: Profile[] = [];
  let hand = 0;

  function newSlot(name: string, tenant: string | undefined): Profile {
    const inPage = slots.length % PAGE_PROFILES;
    const page = inPage === 0 ? newPage(Math.min(PAGE_PROFILES, max - slots.length)) : slots.at(-1);
    const { f32, u32, u16 } = page ?? newPage(1);
    const profile: Profile = { name, tenant, f32, u32, u16, base: inPage * PROFILE_WORDS };
    slots.push(profile);
    return profile;
  }

  function evict(name: string, tenant: string | undefined): Profile {
    let victim = hand;
    for (let i = 1; i < Math.min(EVICTION_SCAN, slots.length); i++) {
      const other = (hand + i) % slots.length;
      if (isLessWorth(slots[other], slots[victim])) victim = other;
      if (i % EVICTION_SAMPLE === 0 && !isLearned(slots[victim])) break;
    }
    hand = (victim + 1) % slots.length;
    const old = slots[victim];
    if (old === undefined) return newSlot(name, tenant);
    byName.delete(old.name);
    const { f32, u32, u16, base } = old;
    u32.fill(0, base, base + PROFILE_WORDS);
    return (slots[victim] = { name, tenant, f32, u32, u16, base });
  }

  return {
    find: (name) => byName.get(name),
    open(name, tenant, nowS) {
      const known = byName.get(name);
      if (known !== undefined) return known;
      const profile = slots.length < max ? newSlot(name, tenant) : evict(name, tenant);
      byName.set(name, profile);
      profile.u32[profile.base + AT.bornS] = nowS;
      profile.u32[profile.base + AT.lastS] = nowS;
      return profile;
    },
    all: () => byName.values(),
    get size() {
      return byName.size;
    },
  };
}

function newPage(profiles: number): Pick<Profile, 'f32' | 'u32' | 'u16'> {
  const memory = new ArrayBuffer(profiles * PROFILE_WORDS * 4);
  return { f32: new Float32Array(memory), u32: new Uint32Array(memory), u16: new Uint16Array(memory) };
}

/** What was learned over days goes only where all others were, too; then the one that was idle longest. */
function isLessWorth(one: Profile | undefined, other: Profile | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const [a, b] = [isLearned(one), isLearned(other)];
  return a === b ? word(one, AT.lastS) < word(other, AT.lastS) : b;
}

const isLearned = (profile: Profile | undefined): boolean =>
  profile !== undefined && number(profile, AT.activeDays) >= LEARNED_DAYS;

/** An unsigned number of a profile: times, hashes. */
export const word = ({ u32, base }: Profile, at: number): number => u32[base + at] ?? 0;

/** A number with a fraction of a profile. */
export const number = ({ f32, base }: Profile, at: number): number => f32[base + at] ?? 0;

/** Sets an unsigned number. */
export function setWord({ u32, base }: Profile, at: number, value: number): void {
  u32[base + at] = value;
}

/** Sets a number with a fraction. */
export function setNumber({ f32, base }: Profile, at: number, value: number): void {
  f32[base + at] = value;
}
