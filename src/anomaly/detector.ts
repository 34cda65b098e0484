import type { AuditRecord, FindingRecord, RequestRecord, SignInRecord, TokenRecord } from '../kernel/record.ts';
import { countedNetwork } from '../wire/address.ts';
import { acceptAll } from './familiar.ts';
import { learnRequest, learnVolume, turnWindows } from './features.ts';
import { hashOf } from './hash.ts';
import { AT } from './layout.ts';
import { createNetworkTable, noteBit, type NetworkEntry } from './networks.ts';
import { createProfileStore, setWord, type Profile } from './profile.ts';
import type { Judgement, Rule, Severity } from './rule.ts';
import { rules } from './rules/index.ts';
import { hourOfWeek } from './season.ts';
import { note } from './sketch.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { createSteadyTime } from './steady-time.ts';
import { followed, isFailure, provenCredential } from './subject.ts';
import { CALM_S, isFirst, isWorseThanTold, rulesByKind } from './telling.ts';
import { count, markTold } from './windows.ts';

/** Something that was found, and what is wished to be done. */
export interface Finding {
  readonly record: FindingRecord;
  readonly severity: Severity;
  /** `hold`: the credential should be held off. Whether it is decides who keeps the exemptions and their bound. */
  readonly wish: 'hold' | 'tell';
}

/** Hears what is recorded and finds what is unusual. Pure: time comes from the records and from `tick`. */
export interface Detector {
  /** @returns what was found by it; mostly the same empty list */
  hear(record: AuditRecord): readonly Finding[];
  /** Lets time go on where nothing is recorded; to be called every minute or more often. */
  tick(nowMs: number): readonly Finding[];
  /** What was learned, for the next start. */
  snapshot(): Uint8Array;
  /** Takes over what was learned, into a detector that has heard nothing. @returns false, and nothing is taken, where it is none of ours */
  restore(bytes: Uint8Array): boolean;
  /** How many are known. */
  sizes(): { readonly credentials: number; readonly groups: number; readonly networks: number };
}

/** Bounds of memory, and which rules count. */
export interface DetectorOptions {
  readonly maxCredentials?: number;
  readonly maxGroups?: number;
  readonly maxNetworks?: number;
  /** All of them where it is left out. */
  readonly rules?: readonly Rule[];
}

const NOTHING: readonly Finding[] = [];
/** What all addresses show together. */
const HOUSE = 'network:any';
/** What of an address counts for all of them together, in five minutes. */
const FAILURES_OF_HOUSE = 3;
const MAX_CREDENTIALS = 100_000;
const MAX_GROUPS = 2_048;
const MAX_NETWORKS = 10_000;

/** A detector that knows nobody yet. */
export function createDetector(options: DetectorOptions = {}): Detector {
  const credentials = createProfileStore(options.maxCredentials ?? MAX_CREDENTIALS);
  const groups = createProfileStore(options.maxGroups ?? MAX_GROUPS);
  const networks = createNetworkTable(options.maxNetworks ?? MAX_NETWORKS);
  const time = createSteadyTime();
  const ruled = rulesByKind(options.rules ?? rules);
  let found: Finding[] = [];

  function hear(record: AuditRecord): readonly Finding[] {
    // One that begins is told once more when it ends.
    if (record.kind === 'finding' || (record.kind === 'request' && record.outcome === 'begin')) return NOTHING;
    follow(record.timeMs);
    if (record.kind === 'request') hearRequest(record);
    else if (record.kind === 'sign-in') hearSignIn(record);
    else if (record.kind === 'token') hearToken(record);
    else if (record.kind === 'hold' && record.activity === 'release') release(record.subject);
    else if (record.kind === 'change' && record.resource === 'quarantine' && record.operation === 'release') {
      // By hand, on this instance.
      release(record.id);
    }
    return takeFound();
  }

  function takeFound(): readonly Finding[] {
    if (found.length === 0) return NOTHING;
    const taken = found;
    found = [];
    return taken;
  }

  function follow(toldMs: number): void {
    const leapMs = time.follow(toldMs);
    if (leapMs !== 0) tellLeap(toldMs, leapMs);
  }

  /** Expiries, budgets and bans go by this clock: who can set it can bring back what has ended. */
  function tellLeap(timeMs: number, leapMs: number): void {
    const why = `the clock leapt ${leapMs > 0 ? 'ahead' : 'back'} by ${Math.round(Math.abs(leapMs) / 60_000)} minutes`;
    const rest = { tenant: undefined, score: 0.5, why, requestId: undefined };
    const record: FindingRecord = { kind: 'finding', timeMs, rule: 'clock-leap', subject: 'gateway', ...rest };
    found.push({ record, severity: 'low', wish: 'tell' });
  }

  function hearRequest(record: RequestRecord): void {
    const name = provenCredential(record);
    if (name === undefined) return hearUnproven(record);
    const { nowS, skewS } = time;
    networks.praise(record.network, nowS);
    const tenant = group(followed(`tenant:${record.tenant ?? ''}`), record);
    if (record.clientId !== undefined) group(followed(`client:${record.clientId}`), record);
    const profile = credentials.open(name, record.tenant, nowS);
    const seen = learnRequest(profile, record, nowS, skewS, tenant);
    ruled.credential.forEach((rule, place) => {
      const judgement = rule.judge(seen);
      if (judgement === undefined) return;
      const isHold = rule.mayHold && judgement.wantsHold;
      markTold(profile, nowS);
      const calmS = CALM_S[rule.calm];
      const isNewHold = isHold && isFirst(profile, AT.heldS + place, nowS, calmS);
      const isNew = isFirst(profile, AT.toldS + place, nowS, calmS) && isWorseThanTold(profile, rule.severity, nowS);
      if (!isNew && !isNewHold) return;
      tell(rule, { name, tenant: record.tenant }, judgement, record, isHold ? 'hold' : 'tell');
    });
  }

  /** Counts what nobody is proven to have asked. It reaches no profile of a credential, and so no wish to hold one. */
  function hearUnproven(record: RequestRecord): void {
    // Only what was refused for want of a credential is a stranger's: a caller that is held off is none.
    if (record.status !== 401 && record.code !== 'too_many_failures') return;
    const { nowS } = time;
    const entry = networks.open(record.network, nowS);
    if (record.path !== '') noteBit(entry.paths, hashOf(record.path));
    if (isFailure(record)) countFailure(entry, nowS, record.timeMs);
    judgeNetwork(entry, nowS, record.timeMs, record.requestId);
  }

  function hearSignIn(record: SignInRecord): void {
    // A foreign page can make anybody's browser send a form: that speaks against nobody's address.
    if (record.address === undefined || record.method === 'form') return;
    const { nowS } = time;
    const network = countedNetwork(record.address);
    if (record.isGood) return networks.praise(network, nowS);
    const entry = networks.open(network, nowS);
    if (record.user !== undefined) noteBit(entry.users, hashOf(record.user));
    countFailure(entry, nowS, record.timeMs);
    judgeNetwork(entry, nowS, record.timeMs, undefined);
  }

  function hearToken(record: TokenRecord): void {
    const { nowS } = time;
    if (record.activity === 'refuse' && record.address !== undefined) {
      const entry = networks.open(countedNetwork(record.address), nowS);
      countFailure(entry, nowS, record.timeMs);
      judgeNetwork(entry, nowS, record.timeMs, undefined);
    }
    const name = record.clientId === undefined ? undefined : followed(`client:${record.clientId}`);
    if (name === undefined) return;
    for (const rule of ruled.token) {
      const judgement = rule.judge({ record });
      if (judgement === undefined) continue;
      const profile = groups.open(name, record.tenant, nowS);
      if (isFirst(profile, AT.heldS, nowS, CALM_S[rule.calm])) tell(rule, profile, judgement, record, 'tell');
    }
  }

  function countFailure(entry: NetworkEntry, nowS: number, timeMs: number): void {
    entry.failures++;
    // One program with an old key would otherwise make any number usual.
    if (entry.failures > FAILURES_OF_HOUSE) return;
    const house = groups.open(HOUSE, undefined, nowS);
    turnWindows(house, nowS);
    setWord(house, AT.lastS, nowS);
    count(house, 'denials', 1);
    note(house, 'addresses', hashOf(entry.network));
    ruled.house.forEach((rule, place) => {
      const judgement = rule.judge({ profile: house, nowS });
      if (judgement === undefined) return;
      markTold(house, nowS);
      if (!isFirst(house, AT.toldS + place, nowS, CALM_S[rule.calm])) return;
      tell(rule, house, judgement, { timeMs }, 'tell');
    });
  }

  function judgeNetwork(entry: NetworkEntry, nowS: number, timeMs: number, requestId: string | undefined): void {
    for (const rule of ruled.network) {
      const judgement = rule.judge({ entry, nowS });
      if (judgement === undefined) continue;
      const toldS = entry.toldS.get(rule.id);
      entry.toldS.set(rule.id, nowS);
      if (toldS !== undefined && nowS - toldS <= CALM_S[rule.calm]) continue;
      tell(rule, { name: `network:${entry.network}`, tenant: undefined }, judgement, { timeMs, requestId }, 'tell');
    }
  }

  function group(name: string | undefined, record: RequestRecord): Profile | undefined {
    if (name === undefined) return undefined;
    const { nowS, skewS } = time;
    const profile = groups.open(name, record.tenant, nowS);
    learnVolume(profile, record, nowS, skewS);
    ruled.group.forEach((rule, place) => {
      const judgement = rule.judge({ profile, nowS, hour: hourOfWeek(nowS + skewS) });
      if (judgement === undefined) return;
      markTold(profile, nowS);
      if (isFirst(profile, AT.toldS + place, nowS, CALM_S[rule.calm])) tell(rule, profile, judgement, record, 'tell');
    });
    return profile;
  }

  /** An operator has let it go on: what it was held for is familiar from now on. */
  function release(subject: string): void {
    const profile = credentials.find(subject);
    if (profile !== undefined) acceptAll(profile, time.nowS);
  }

  function tell(
    { id, severity }: Rule,
    { name, tenant }: Pick<Profile, 'name' | 'tenant'>,
    { score, why }: Judgement,
    { timeMs, requestId }: { readonly timeMs: number; readonly requestId?: string | undefined },
    wish: Finding['wish'],
  ): void {
    const record: FindingRecord = {
      kind: 'finding',
      timeMs,
      rule: id,
      subject: name,
      tenant,
      score: Math.round(score * 100) / 100,
      why,
      requestId,
    };
    found.push({ record, severity, wish });
  }

  return {
    hear,
    tick(nowMs) {
      follow(nowMs);
      return takeFound();
    },
    snapshot: () => writeSnapshot(time.nowS, [credentials, groups]),
    restore(bytes) {
      const nowS = readSnapshot(bytes, [credentials, groups]);
      if (nowS === undefined) return false;
      time.resume(nowS);
      return true;
    },
    sizes: () => ({ credentials: credentials.size, groups: groups.size, networks: networks.size }),
  };
}
