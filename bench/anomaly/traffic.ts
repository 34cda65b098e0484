import type { RequestRecord } from '../../src/kernel/record.ts';
import type { Dice } from './dice.ts';
import { newNetwork, type SimulatedKey } from './population.ts';
import { requestRecord, type Said } from '../../src/anomaly/story.fixture.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const OVERLAP_MS = 15 * MINUTE;
/** Milliseconds of a day. */
export const DAY = 24 * HOUR;
/** A Monday. */
export const START_MS = Date.UTC(2029, 9, 1);

/** Takes what is asked. */
export type Sink = (record: RequestRecord) => void;

/** What a key does on a day, in the order in which it comes to mind. */
export function dayOf(dice: Dice, key: SimulatedKey, day: number, sink: Sink): void {
  if (key.restDays.has(day)) return;
  if (key.habit === 'person') return personDay(dice, key, day, sink);
  if (key.habit === 'agent') return agentDay(dice, key, day, sink);
  return key.habit === 'service' ? serviceDay(dice, key, day, sink) : batchDay(dice, key, day, sink);
}

const isWeekend = (day: number): boolean => day % 7 >= 5;
const dayStart = (key: SimulatedKey, day: number): number => START_MS + day * DAY - key.zoneHours * HOUR;

/** A request of this key, as it usually asks. */
export function usualRequest(
  dice: Dice,
  key: SimulatedKey,
  timeMs: number,
  newest: string,
  said: Partial<Said> = {},
): RequestRecord {
  const { network, agent } = placeAt(dice, key, timeMs, newest);
  const promptTokens = Math.min(120_000, Math.round(dice.logNormal(key.promptTokens, 0.8)) + 8);
  return requestRecord({
    timeMs: Math.round(timeMs),
    network,
    keyId: key.id,
    tenant: key.tenant,
    userAgent: `${agent}${key.release}.${dice.below(3)}`,
    route: key.route,
    model: dice.isTrue(0.9) ? key.models[0] : key.models[1],
    promptTokens,
    cachedTokens: Math.round(promptTokens * dice.unit()),
    // Lengths of answers are nearly exponential.
    completionTokens: 1 + Math.round(dice.exponential(key.completionTokens * 1.44)),
    logprobs: key.usesLogprobs ? 1 : undefined,
    likeness: likenessOf(dice, key),
    ...(dice.isTrue(0.01) ? refused(dice) : {}),
    ...said,
  });
}

/** Until it moves it is used from where it was; for a while from both. */
function placeAt(dice: Dice, { moved, agent }: SimulatedKey, timeMs: number, network: string) {
  const sinceMs = moved === undefined ? Infinity : timeMs - moved.atMs;
  const isOld = sinceMs < 0 || (sinceMs < OVERLAP_MS && dice.isTrue(0.5));
  return moved === undefined || !isOld
    ? { network, agent }
    : { network: dice.pick(moved.networks), agent: moved.agent };
}

/** Who tries again says nearly the same as before. */
function likenessOf(dice: Dice, key: SimulatedKey): string {
  if (key.template !== undefined) return near(dice, key.template, 9);
  if (dice.isTrue(0.12)) return near(dice, key.lastLikeness, 9);
  return (key.lastLikeness = dice.hex16());
}

/** What now and then goes wrong with everybody. */
const refused = (dice: Dice): Partial<Said> =>
  dice.pick<Partial<Said>>([
    { code: 'rate_limited', status: 429, outcome: 'denial' },
    { code: 'upstream_error', status: 502, outcome: 'fault' },
    { code: 'context_length_exceeded', status: 400, outcome: 'denial' },
    { code: 'invalid_field', status: 400, outcome: 'denial' },
    { outcome: 'abort', status: 499 },
  ]);

/** A likeness up to so many bits away. */
export function near(dice: Dice, likeness: string, bits: number): string {
  let value = BigInt(`0x${likeness}`);
  for (let i = dice.below(bits + 1); i > 0; i--) value ^= 1n << BigInt(dice.below(64));
  return value.toString(16).padStart(16, '0');
}

/** Network of a session: mostly one of its own, of who wanders now and then one that nobody knows. */
const sessionNetwork = (dice: Dice, key: SimulatedKey): string =>
  dice.isTrue(key.wandering) ? newNetwork(dice) : (key.networks[dice.isTrue(0.7) ? 0 : key.networks.length - 1] ?? '');

function sessionStart(dice: Dice, key: SimulatedKey, day: number): number {
  const hour = dice.isTrue(0.15) ? dice.between(18, 23) : 8.5 + 9 * dice.unit() + 0.5 * dice.normal();
  return dayStart(key, day) + hour * HOUR;
}

function personDay(dice: Dice, key: SimulatedKey, day: number, sink: Sink): void {
  const sessions = dice.poisson(key.perDay * (isWeekend(day) ? 0.15 : 1));
  for (let s = 0; s < sessions; s++) {
    const network = sessionNetwork(dice, key);
    let timeMs = sessionStart(dice, key, day);
    if (key.feels) feel(dice, key, timeMs, network, sink);
    const turns = 1 + Math.floor(dice.exponential(8));
    for (let turn = 0; turn < turns; turn++) {
      sink(usualRequest(dice, key, timeMs, network));
      timeMs += Math.max(3 * SECOND, dice.logNormal(45 * SECOND, 1));
    }
  }
}

/** Front ends look for what else is there. */
function feel(dice: Dice, key: SimulatedKey, timeMs: number, network: string, sink: Sink): void {
  for (const path of ['/api/version', '/api/tags', '/props', '/v1/health'].slice(0, 1 + dice.below(4))) {
    sink(closedPath(key, timeMs - 5 * SECOND, network, path, `${key.agent}${key.release}`));
  }
}

/** A request of this key for what is not open. */
export const closedPath = (key: SimulatedKey, timeMs: number, network: string, path: string, userAgent: string) =>
  requestRecord({
    timeMs: Math.round(timeMs),
    network,
    keyId: key.id,
    tenant: key.tenant,
    userAgent,
    method: 'GET',
    route: undefined,
    path,
    code: 'unknown_route',
    status: 404,
  });

/** Long loops, long contexts, short answers; now and then several at once. */
function agentDay(dice: Dice, key: SimulatedKey, day: number, sink: Sink): void {
  const sessions = dice.poisson(key.perDay * (isWeekend(day) ? 0.15 : 1));
  for (let s = 0; s < sessions; s++) {
    const network = sessionNetwork(dice, key);
    const startMs = sessionStart(dice, key, day);
    const threads = dice.isTrue(0.2) ? 2 + dice.below(3) : 1;
    for (let thread = 0; thread < threads; thread++) agentSession(dice, key, startMs, network, sink);
  }
}

function agentSession(dice: Dice, key: SimulatedKey, startMs: number, network: string, sink: Sink): void {
  const steps = Math.min(600, Math.round(dice.logNormal(50, 0.9)));
  let context = dice.logNormal(11_000, 0.4);
  let timeMs = startMs;
  for (let step = 0; step < steps; step++) {
    const promptTokens = Math.round(context);
    sink(usualRequest(dice, key, timeMs, network, { promptTokens, cachedTokens: Math.round(promptTokens * 0.95) }));
    context = Math.min(150_000, context + dice.exponential(900));
    timeMs += SECOND * (2 + 12 * dice.gamma(0.7)) + (dice.isTrue(0.03) ? dice.exponential(6 * MINUTE) : 0);
  }
}

/** Round the clock, by day and week, in bursts: a Poisson process whose rate is a gamma variable of each ten minutes. */
function serviceDay(dice: Dice, key: SimulatedKey, day: number, sink: Sink): void {
  const week = isWeekend(day) ? 0.45 : 1.2;
  for (let slot = 0; slot < 144; slot++) {
    const hour = slot / 6;
    const tide = 1 + 0.75 * Math.cos(((hour - 14) / 24) * 2 * Math.PI);
    const count = dice.poisson((key.perDay / 144) * week * tide * dice.gamma(key.burstShape));
    const slotMs = dayStart(key, day) + slot * 10 * MINUTE;
    for (let i = 0; i < count; i++) {
      sink(usualRequest(dice, key, slotMs + dice.unit() * 10 * MINUTE, dice.pick(key.networks)));
    }
  }
}

function batchDay(dice: Dice, key: SimulatedKey, day: number, sink: Sink): void {
  if (key.runDays === 'weekdays' && isWeekend(day)) return;
  if (key.runDays === 'weekly' && day % 7 !== key.runHour % 7) return;
  const hours = key.runDays === 'hourly' ? Array.from({ length: 24 }, (_, hour) => hour) : [key.runHour];
  for (const hour of hours) {
    const startMs = dayStart(key, day) + hour * HOUR + dice.between(0, 12) * MINUTE;
    batchRun(dice, key, startMs, Math.round(dice.logNormal(key.perDay / hours.length, 0.5)), sink);
  }
}

/** A row of prompts, one after the other, the gaps gamma as those of production traces. */
export function batchRun(
  dice: Dice,
  key: SimulatedKey,
  startMs: number,
  count: number,
  sink: Sink,
  said: Partial<Said> = {},
): void {
  const isClassifier = key.template !== undefined && key.completionTokens < 60;
  let timeMs = startMs;
  for (let i = 0; i < count; i++) {
    const short = isClassifier ? { completionTokens: 1 + dice.below(2) } : {};
    sink(usualRequest(dice, key, timeMs, dice.pick(key.networks), { ...short, ...said }));
    timeMs += 2 * SECOND * dice.gamma(key.burstShape);
  }
}
