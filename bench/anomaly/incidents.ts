import type { Dice } from './dice.ts';
import { newNetwork, type SimulatedKey } from './population.ts';
import { requestRecord, type Said } from '../../src/anomaly/story.fixture.ts';
import { DAY, near, START_MS, usualRequest, type Sink } from './traffic.ts';

/** Kinds of incidents. */
export const KINDS = [
  'stolen-key',
  'token-surge',
  'probing',
  'slow-extraction',
  'cache-timing',
  'dormant-key',
  'credential-stuffing',
  'route-scan',
] as const;
/** Name of a kind. */
export type Kind = (typeof KINDS)[number];

/** An attack in the traffic. */
export interface Incident {
  readonly kind: Kind;
  readonly startMs: number;
  readonly endMs: number;
  /** Requests a minute. */
  readonly perMinute: number;
  /** What a finding about it is about, one of these. */
  readonly subjects: ReadonlySet<string>;
  readonly send: (sink: Sink) => void;
}

const MINUTE = 60_000;
/** Before it nothing happens: a detector has to know what is usual. */
const QUIET_DAYS = 10;

interface Plan {
  readonly key: SimulatedKey;
  readonly startMs: number;
  readonly endMs: number;
  readonly network: string;
}

/**
 * Attacks of each kind, at any time of day, from half an hour to two hours long. How strong they are is drawn here, in equal
 * parts for each factor of two, and was written down before any bound of the detector was.
 *
 * @param dormant keys that are not used for weeks, of which the attacks of that kind take one each
 */
export function createIncidents(
  dice: Dice,
  keys: readonly SimulatedKey[],
  dormant: readonly SimulatedKey[],
  days: number,
  each: number,
): readonly Incident[] {
  const free = [...keys];
  const quietDays = Math.min(QUIET_DAYS, days - 1);
  return KINDS.flatMap((kind) =>
    Array.from({ length: each }, (_, i): Incident => {
      const key = (kind === 'dormant-key' ? dormant[i] : undefined) ?? takeOne(dice, free);
      const from = kind === 'dormant-key' ? Math.max(quietDays, 21) : quietDays;
      const startMs = Math.round(START_MS + dice.between(Math.min(from, days - 1), days - 0.1) * DAY);
      const endMs = startMs + dice.between(30, 120) * MINUTE;
      return MAKERS[kind](dice, { key, startMs, endMs, network: newNetwork(dice) });
    }),
  );
}

function takeOne(dice: Dice, free: SimulatedKey[]): SimulatedKey {
  const [key] = free.splice(dice.below(free.length), 1);
  if (key === undefined) throw new RangeError('fewer keys than incidents');
  return key;
}

/** Sends requests at random times, the first one at once. */
function stream(dice: Dice, plan: Plan, perMinute: number, make: (timeMs: number, i: number) => Said) {
  return (sink: Sink): void => {
    let timeMs = plan.startMs;
    for (let i = 0; timeMs < plan.endMs; i++) {
      sink(requestRecord(make(Math.round(timeMs), i)));
      timeMs += dice.exponential(MINUTE / perMinute);
    }
  };
}

const incident = (
  kind: Kind,
  { startMs, endMs }: Plan,
  perMinute: number,
  subjects: readonly string[],
  send: Incident['send'],
): Incident => ({ kind, startMs, endMs, perMinute, subjects: new Set(subjects), send });

const TOOLS = ['python-requests/2.31', 'curl/8.5.0', 'OpenAI/Python 1.50.0', 'node', 'SillyTavern/1.12'];

const MAKERS: Record<Kind, (dice: Dice, plan: Plan) => Incident> = {
  'stolen-key'(dice, plan) {
    const { key, network } = plan;
    const perMinute = dice.logBetween(2, 60);
    // Three in ten thieves take the trouble to call themselves what the victim does.
    const userAgent = dice.isTrue(0.3) ? `${key.agent}${key.release}` : dice.pick(TOOLS);
    const prompt = dice.logNormal(800, 0.8);
    const model = dice.isTrue(0.3) ? dice.pick(['large', 'coder']) : key.models[0];
    return incident(
      'stolen-key',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs) =>
        usualRequest(dice, key, timeMs, network, {
          userAgent,
          model,
          promptTokens: Math.round(dice.logNormal(prompt, 0.6)),
          completionTokens: Math.round(dice.exponential(400)),
          likeness: dice.hex16(),
        }),
      ),
    );
  },

  'token-surge'(dice, plan) {
    const { key } = plan;
    const perRequest = dice.logBetween(4, 40) * (key.promptTokens + key.completionTokens);
    const times = dice.logBetween(5, 60);
    const perMinute = Math.max(4, Math.max(20_000, times * usualPerMinute(key)) / perRequest);
    return incident(
      'token-surge',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs) =>
        usualRequest(dice, key, timeMs, key.networks[0] ?? '', {
          promptTokens: Math.min(130_000, Math.round(perRequest * 0.8)),
          completionTokens: Math.min(65_536, Math.round(perRequest * 0.2)),
        }),
      ),
    );
  },

  probing(dice, plan) {
    const { key } = plan;
    const perMinute = dice.logBetween(2, 30);
    const isPrompt = dice.isTrue(0.3);
    const codes = [
      'forbidden_field',
      'unknown_field',
      'value_out_of_range',
      'invalid_field',
      'advisory_blocked',
      'model_not_allowed',
    ] as const;
    return incident(
      'probing',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs) => {
        const base = usualRequest(dice, key, timeMs, key.networks[0] ?? '', { likeness: dice.hex16() });
        if (dice.isTrue(0.3)) return base;
        const code = isPrompt ? 'prompt_denied' : dice.pick(codes);
        return {
          ...base,
          code,
          status: code === 'model_not_allowed' ? 403 : 400,
          outcome: 'denial',
          promptTokens: undefined,
          completionTokens: undefined,
        };
      }),
    );
  },

  'slow-extraction'(dice, plan) {
    const { key } = plan;
    const perMinute = dice.logBetween(3, 40);
    const hasLogprobs = dice.isTrue(0.5);
    const template = dice.hex16();
    return incident(
      'slow-extraction',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs) =>
        usualRequest(dice, key, timeMs, key.networks[0] ?? '', {
          logprobs: hasLogprobs ? 1 + dice.below(5) : undefined,
          likeness: near(dice, template, 8),
          completionTokens: Math.round(dice.exponential(150)) + 1,
        }),
      ),
    );
  },

  'cache-timing'(dice, plan) {
    const { key } = plan;
    const perMinute = dice.logBetween(4, 60);
    const repeats = 4 + dice.below(17);
    let guess = dice.hex16();
    return incident(
      'cache-timing',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs, i) => {
        if (i % repeats === 0) guess = near(dice, guess, 8);
        const isHungUp = dice.isTrue(0.3);
        return usualRequest(dice, key, timeMs, key.networks[0] ?? '', {
          likeness: guess,
          completionTokens: isHungUp ? undefined : 1,
          outcome: isHungUp ? 'abort' : 'answer',
          promptTokens: 200 + (i % repeats),
          logprobs: undefined,
          code: undefined,
          status: 200,
        });
      }),
    );
  },

  'dormant-key'(dice, plan) {
    const { key, network } = plan;
    const perMinute = dice.logBetween(1, 30);
    const userAgent = dice.isTrue(0.2) ? `${key.agent}${key.release}` : dice.pick(TOOLS);
    return incident(
      'dormant-key',
      plan,
      perMinute,
      [`key:${key.id}`],
      stream(dice, plan, perMinute, (timeMs) =>
        usualRequest(dice, key, timeMs, network, { userAgent, likeness: dice.hex16() }),
      ),
    );
  },

  'credential-stuffing'(dice, plan) {
    const isSpread = dice.isTrue(0.4);
    const perMinute = isSpread ? dice.logBetween(20, 200) : dice.logBetween(5, 100);
    const networks = isSpread
      ? Array.from({ length: Math.round(dice.logBetween(30, 300)) }, () => newNetwork(dice))
      : [plan.network];
    const subjects = ['network:any', ...networks.map((network) => `network:${network}`)];
    return incident(
      'credential-stuffing',
      plan,
      perMinute,
      subjects,
      stream(dice, plan, perMinute, (timeMs) => ({
        timeMs,
        network: dice.pick(networks),
        userAgent: 'python-requests/2.31',
        route: undefined,
        path: dice.pick(['/v1/models', '/v1/chat/completions']),
        code: 'invalid_credential',
        status: 401,
      })),
    );
  },

  'route-scan'(dice, plan) {
    const { key, network } = plan;
    const perMinute = dice.logBetween(3, 60);
    const paths = Array.from({ length: Math.round(dice.logBetween(10, 200)) }, (_, i) => `/scan/${i}/${dice.hex16()}`);
    const hasKey = dice.isTrue(0.6);
    const subject = hasKey ? `key:${key.id}` : `network:${network}`;
    return incident(
      'route-scan',
      plan,
      perMinute,
      [subject],
      stream(dice, plan, perMinute, (timeMs) => {
        const said = {
          timeMs,
          network: hasKey ? (key.networks[0] ?? '') : network,
          route: undefined,
          path: dice.pick(paths),
          method: 'GET',
        };
        if (!hasKey) return { ...said, code: 'missing_credential', status: 401 };
        return {
          ...said,
          keyId: key.id,
          tenant: key.tenant,
          userAgent: `${key.agent}${key.release}`,
          code: dice.isTrue(0.5) ? 'route_closed' : 'unknown_route',
          status: 404,
        };
      }),
    );
  },
};

/** Tokens a minute in an hour of use. */
function usualPerMinute(key: SimulatedKey): number {
  const perRequest = key.promptTokens + key.completionTokens;
  if (key.habit === 'person') return perRequest * 1.2;
  if (key.habit === 'agent') return 30_000 * 5;
  return (perRequest * key.perDay) / (key.habit === 'service' ? 1_440 : 60);
}
