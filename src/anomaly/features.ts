import type { RequestRecord } from '../kernel/record.ts';
import { denialWeight, isGuardDenial, isRouteDenial } from './denial-weight.ts';
import { known, meet, sinceOtherFamiliar } from './familiar.ts';
import { agentHash, hashOf } from './hash.ts';
import { AT, SPANS, type SketchName, type Span } from './layout.ts';
import { compareLikeness } from './likeness-ring.ts';
import { number, setNumber, setWord, word, type Profile } from './profile.ts';
import { countInSeason, hourOfWeek } from './season.ts';
import type { CredentialSeen } from './seen.ts';
import { note, turnSketch } from './sketch.ts';
import { areFar, wideNetwork, wideNetworkHash } from './wide-network.ts';
import { count, rollWindows } from './windows.ts';

const DAY_S = 86_400;
const HOUR_S = 3_600;
/** Two requests within it came at once. */
const AT_ONCE_S = 60;
/** Not used for so long is dormant. */
export const DORMANT_S = 14 * DAY_S;
const USED_BEFORE = 5;
/** Prompts below are never oversized, whatever was usual. */
const OVERSIZED_TOKENS = 4_000;
const OVERSIZED_TIMES = 3;
const SIZES_LEARNED = 50;
/** One prompt teaches at most so many times what was known: half a dozen pass before a larger size is usual. */
const TAUGHT_TIMES = 1.2;
/** An answer of at most so many tokens is hardly one. */
const PROBE_TOKENS = 2;
/** A tenant knows a network that somebody else of it has used so often, a day before. */
const TENANT_TIMES = 20;

/**
 * Counts a request in the profile of its credential and tells what the profile says of it.
 *
 * @param tenant profile of the tenant, which has met the request already; undefined where there is none
 */
export function learnRequest(
  profile: Profile,
  record: RequestRecord,
  nowS: number,
  skewS: number,
  tenant: Profile | undefined,
): CredentialSeen {
  turnWindows(profile, nowS);
  const restlessness = beginDay(profile, nowS);
  noteRest(profile, nowS);
  countInSeason(profile, nowS, skewS, 1);
  countRequest(profile, record);
  const isRepeated = countPrompt(profile, record);
  // Whoever watches over a model by asking the same again is not awake.
  if (!isRepeated) noteHours(profile, nowS);
  countDenial(profile, record);
  const place = noteNetwork(profile, record, nowS);
  // Who names no client is one like any other: a thief would only have to leave the header out.
  const agent = agentHash(record.userAgent ?? '');
  setWord(profile, AT.lastS, nowS);
  setNumber(profile, AT.requests, number(profile, AT.requests) + 1);
  return {
    record,
    profile,
    nowS,
    hour: hourOfWeek(nowS + skewS),
    ...place,
    restlessness,
    agent: meet(profile, 'agents', agent, nowS),
    model: record.model === undefined ? undefined : meet(profile, 'models', hashOf(record.model), nowS),
    route: record.route === undefined ? undefined : meet(profile, 'routes', hashOf(record.route), nowS),
    isNetworkOfTenant: tenant !== undefined && isKnownTo(tenant, place.networkHash, nowS),
  };
}

/** Counts a request in the profile of a tenant or a client: how much, when, and from which networks. */
export function learnVolume(profile: Profile, record: RequestRecord, nowS: number, skewS: number): void {
  turnWindows(profile, nowS);
  beginDay(profile, nowS);
  countInSeason(profile, nowS, skewS, 1);
  countRequest(profile, record);
  meet(profile, 'networks', wideNetworkHash(wideNetwork(record.network)), nowS);
  setWord(profile, AT.lastS, nowS);
  setNumber(profile, AT.requests, number(profile, AT.requests) + 1);
}

function isKnownTo(tenant: Profile, networkHash: number, nowS: number): boolean {
  const network = known(tenant, 'networks', networkHash, nowS);
  return network !== undefined && network.isFamiliar && network.times >= TENANT_TIMES;
}

/** Ends windows that are over, with the sketches that belong to them. */
export function turnWindows(profile: Profile, nowS: number): void {
  turnSketches(profile, 'short', ['paths', 'denialKinds', 'addresses'], nowS);
  turnSketches(profile, 'long', ['pathsOfHour'], nowS);
  rollWindows(profile, nowS);
}

function turnSketches(profile: Profile, span: Span, names: readonly SketchName[], nowS: number): void {
  const passed = Math.floor(nowS / SPANS[span]) - word(profile, AT[span]);
  if (passed === 0) return;
  for (const name of names) {
    turnSketch(profile, name);
    if (passed !== 1) turnSketch(profile, name);
  }
}

/** Counts a day of use at its first request. @returns new networks on a day of use until yesterday */
function beginDay(profile: Profile, nowS: number): number {
  const day = Math.floor(nowS / DAY_S);
  if (day !== word(profile, AT.lastDay)) {
    setWord(profile, AT.lastDay, day);
    setNumber(profile, AT.activeDays, number(profile, AT.activeDays) + 1);
    // Those of today come later: what a thief uses is not usual for being used.
    const before = number(profile, AT.newNetworks) * NETWORKS_FADE;
    setNumber(profile, AT.newNetworks, before + number(profile, AT.newNetworksToday));
    setNumber(profile, AT.newNetworksToday, 0);
    setNumber(profile, AT.promptPeak, number(profile, AT.promptPeak) * PEAK_FADE);
  }
  return number(profile, AT.newNetworks) * (1 - NETWORKS_FADE);
}

const NETWORKS_FADE = 0.9;
const PEAK_FADE = 0.98;
/** On its first days every network is new. */
const FIRST_DAYS = 2;

function noteRest(profile: Profile, nowS: number): void {
  const idleS = nowS - word(profile, AT.lastS);
  if (idleS >= DORMANT_S && number(profile, AT.requests) >= USED_BEFORE) {
    setWord(profile, AT.wokeS, nowS);
    setNumber(profile, AT.idleDays, idleS / DAY_S);
    setNumber(profile, AT.requestsAwake, 0);
  }
  setNumber(profile, AT.requestsAwake, number(profile, AT.requestsAwake) + 1);
}

/** Hours in a row with use, and the longest such row. */
function noteHours(profile: Profile, nowS: number): void {
  const hour = Math.floor(nowS / HOUR_S);
  const passed = hour - word(profile, AT.awakeHour);
  if (passed === 0) return;
  setWord(profile, AT.awakeHour, hour);
  const awake = number(profile, AT.awakeHours);
  if (passed !== 1) setNumber(profile, AT.awakePeak, Math.max(number(profile, AT.awakePeak), awake));
  setNumber(profile, AT.awakeHours, passed === 1 ? awake + 1 : 1);
}

function countRequest(profile: Profile, record: RequestRecord): void {
  count(profile, 'requests', 1);
  if (record.promptTokens !== undefined) count(profile, 'promptTokens', record.promptTokens);
  if (record.completionTokens !== undefined) count(profile, 'completionTokens', record.completionTokens);
  if (record.outcome !== 'answer' && record.outcome !== 'abort') count(profile, 'errors', 1);
}

/** @returns whether it is the same prompt as one of the last */
function countPrompt(profile: Profile, record: RequestRecord): boolean {
  const { promptTokens, completionTokens, logprobs, likeness, outcome } = record;
  if (logprobs !== undefined && logprobs > 0) count(profile, 'logprobs', 1);
  if (promptTokens !== undefined) countSize(profile, promptTokens);
  if (likeness === undefined) return false;
  const compared = compareLikeness(profile, likeness);
  const hasHardlyAnswer = outcome === 'abort' || (outcome === 'answer' && (completionTokens ?? 0) <= PROBE_TOKENS);
  if (compared === 'near') count(profile, 'nearPrompts', 1);
  if (compared === 'same' && hasHardlyAnswer) count(profile, 'probes', 1);
  return compared === 'same';
}

function countSize(profile: Profile, promptTokens: number): void {
  const peak = number(profile, AT.promptPeak);
  const isLearned = number(profile, AT.requests) >= SIZES_LEARNED;
  if (isLearned && promptTokens > Math.max(OVERSIZED_TOKENS, OVERSIZED_TIMES * peak)) count(profile, 'oversized', 1);
  const taught = isLearned ? Math.min(promptTokens, TAUGHT_TIMES * peak + 1) : promptTokens;
  if (taught > peak) setNumber(profile, AT.promptPeak, taught);
}

function countDenial(profile: Profile, { code, method, path, route, why }: RequestRecord): void {
  if (code === undefined) return;
  if (isRouteDenial(code)) {
    const hash = hashOf(`${method} ${path}`);
    note(profile, 'paths', hash);
    note(profile, 'pathsOfHour', hash);
  }
  const weight = denialWeight(code);
  if (weight === 0) return;
  count(profile, 'denials', weight);
  if (isGuardDenial(code)) count(profile, 'guardDenials', 1);
  note(profile, 'denialKinds', hashOf(`${code} ${route ?? ''} ${why ?? ''}`));
}

function noteNetwork(profile: Profile, record: RequestRecord, nowS: number) {
  const wide = wideNetwork(record.network);
  const networkHash = wideNetworkHash(wide);
  note(profile, 'addresses', hashOf(record.network));
  const isAtOnce = nowS - word(profile, AT.lastS) <= AT_ONCE_S;
  if (isAtOnce && areFar(networkHash, word(profile, AT.lastNetwork))) count(profile, 'switches', 1);
  setWord(profile, AT.lastNetwork, networkHash);
  const network = meet(profile, 'networks', networkHash, nowS);
  const isNew = network.times === 1 && number(profile, AT.activeDays) > FIRST_DAYS;
  if (isNew) setNumber(profile, AT.newNetworksToday, number(profile, AT.newNetworksToday) + 1);
  const sinceOtherNetworkS = sinceOtherFamiliar(profile, 'networks', networkHash, nowS);
  return { wideNetwork: wide, networkHash, network, sinceOtherNetworkS };
}
