import type { Dice } from './dice.ts';
import { newNetwork, type SimulatedKey } from './population.ts';
import { requestRecord } from '../../src/anomaly/story.fixture.ts';
import { batchRun, DAY, dayOf, START_MS, usualRequest, type Sink } from './traffic.ts';

/** Something that is unusual and harmless. Changes keys, or adds records of the day; nothing of it may be an alarm. */
export type Surprise = (day: number, sink: Sink) => void;

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** What happens in a month to so many keys. */
export function createSurprises(dice: Dice, keys: readonly SimulatedKey[], days: number): readonly Surprise[] {
  const programs = keys.filter(({ habit }) => habit === 'service' || habit === 'batch');
  const people = keys.filter(({ habit }) => habit === 'person' || habit === 'agent');
  const per200 = (count: number): number => Math.max(1, Math.round((count * keys.length) / 200));
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: per200(count) }, make);
  const dayOn = (): number => 2 + dice.below(Math.max(1, days - 3));
  const some = (from: readonly SimulatedKey[]) => ({ key: dice.pick(from), on: dayOn() });
  return [
    ...keys.map((key): Surprise => newReleases(dice, key)),
    ...times(15, () => growth(dice, some(programs))),
    ...times(20, () => move(dice, some(programs), dice.isTrue(0.25))),
    ...times(25, () => holiday(dice, some(people))),
    ...times(20, () => newTool(dice, some(people))),
    ...times(8, () => brokenClient(dice, some(programs))),
    ...times(10, () => oldKey(dice, some(programs), dice.isTrue(0.3))),
    ...times(10, () => journey(dice, some(people))),
    ...times(4, () => evaluation(dice, some(people), dice.isTrue(0.5))),
    ...times(3, () => oddDocuments(dice, some(programs))),
    ...times(5, () => monitor(dice, some(programs))),
    outage(dice, keys, dayOn()),
    outage(dice, keys, dayOn()),
  ];
}

interface When {
  readonly key: SimulatedKey;
  readonly on: number;
}

const at = (dice: Dice, day: number): number => START_MS + day * DAY + dice.between(7, 19) * HOUR;

/** The client is brought up to date about twice a month. */
const newReleases =
  (dice: Dice, key: SimulatedKey): Surprise =>
  () => {
    if (dice.isTrue(1 / 15)) key.release++;
  };

/** A release that doubles the traffic for good. */
const growth =
  (dice: Dice, { key, on }: When): Surprise =>
  (day) => {
    if (day === on) key.perDay *= dice.between(1.8, 2.2);
  };

/** To another machine or cloud, the old and the new one side by side for a while; some with another client. */
const move =
  (dice: Dice, { key, on }: When, isOtherClient: boolean): Surprise =>
  (day) => {
    if (day !== on) return;
    key.moved = { atMs: at(dice, day), networks: key.networks, agent: key.agent };
    key.networks = [newNetwork(dice)];
    if (isOtherClient) key.agent = dice.pick(['aiohttp/', 'litellm/', 'reqwest/', 'undici/']);
  };

function holiday(dice: Dice, { key, on }: When): Surprise {
  const length = 5 + dice.below(17);
  for (let day = on; day < on + length; day++) key.restDays.add(day);
  return () => undefined;
}

const newTool =
  (dice: Dice, { key, on }: When): Surprise =>
  (day) => {
    if (day === on) key.agent = dice.pick(['zed/', 'Mozilla/5.0 (Macintosh) Safari/', 'raycast/', 'jan/', 'msty/']);
  };

/** A release with a field that is refused: the same refusal with each request. */
function brokenClient(dice: Dice, { key, on }: When): Surprise {
  const code = dice.pick(['unknown_field', 'forbidden_field', 'invalid_field'] as const);
  const hours = dice.logBetween(0.5, 12);
  return (day, sink) => {
    if (day !== on) return;
    const startMs = at(dice, day);
    for (let i = dice.poisson((key.perDay / 24) * hours); i > 0; i--) {
      const said = {
        code,
        status: 400,
        outcome: 'denial',
        promptTokens: undefined,
        completionTokens: undefined,
      } as const;
      sink(usualRequest(dice, key, startMs + dice.unit() * hours * HOUR, dice.pick(key.networks), said));
    }
  };
}

/** A program that goes on with a key that was deleted, at an address where others are let in, or not. */
function oldKey(dice: Dice, { key, on }: When, isStranger: boolean): Surprise {
  const perMinute = dice.logBetween(0.2, 10);
  const hours = dice.between(1, 12);
  return (day, sink) => {
    if (day !== on) return;
    const network = isStranger ? newNetwork(dice) : (key.networks[0] ?? '');
    const startMs = at(dice, day);
    for (let i = dice.poisson(perMinute * 60 * hours); i > 0; i--) {
      sink(
        requestRecord({
          timeMs: Math.round(startMs + dice.unit() * hours * HOUR),
          network,
          userAgent: `${key.agent}${key.release}`,
          route: undefined,
          path: '/v1/chat/completions',
          code: 'invalid_credential',
          status: 401,
        }),
      );
    }
  };
}

/** Some days elsewhere; now and then with two devices at once. */
function journey(dice: Dice, { key, on }: When): Surprise {
  const [hotel, phone] = [newNetwork(dice), newNetwork(dice)];
  const days = 1 + dice.below(5);
  const hasPhone = dice.isTrue(0.3);
  let home: string[] = [];
  return (day) => {
    if (day === on) {
      home = key.networks;
      key.networks = hasPhone ? [hotel, phone] : [hotel];
    }
    if (day === on + days && home.length > 0) key.networks = home;
  };
}

/** Somebody measures a model: hundreds of prompts of one form, or the probabilities of answers. */
const evaluation =
  (dice: Dice, { key, on }: When, isLogprobs: boolean): Surprise =>
  (day, sink) => {
    if (day !== on) return;
    const template = dice.hex16();
    const count = 200 + dice.below(600);
    const one: SimulatedKey = { ...key, networks: key.networks.slice(0, 1), template };
    batchRun(dice, one, at(dice, day), count, sink, isLogprobs ? { logprobs: 1 } : {});
  };

/** Documents with what only a server may write, in a batch. */
const oddDocuments =
  (dice: Dice, { key, on }: When): Surprise =>
  (day, sink) => {
    if (day !== on) return;
    dayOf(dice, key, day, (record) => {
      sink(dice.isTrue(0.05) ? { ...record, code: 'prompt_denied', status: 400, outcome: 'denial' } : record);
    });
  };

/** Asks every half minute whether the model answers. */
function monitor(dice: Dice, { key, on }: When): Surprise {
  const likeness = dice.hex16();
  return (day, sink) => {
    if (day < on) return;
    const said = { promptTokens: 9, completionTokens: 1, likeness, userAgent: 'blackbox-exporter/0.25' };
    for (let i = 0; i < 2_880; i++) {
      sink(usualRequest(dice, key, START_MS + day * DAY + i * 30_000, key.networks[0] ?? '', said));
    }
  };
}

/** The model server is away for a while, and everybody tries again. */
const outage =
  (dice: Dice, keys: readonly SimulatedKey[], on: number): Surprise =>
  (day, sink) => {
    if (day !== on) return;
    const startMs = at(dice, day);
    for (const key of keys) {
      if (key.restDays.has(day)) continue;
      const count = dice.poisson((key.habit === 'service' ? key.perDay / 72 : 4) * 2);
      for (let i = 0; i < count; i++) {
        const said = {
          code: 'upstream_unreachable',
          status: 502,
          outcome: 'fault',
          completionTokens: undefined,
        } as const;
        sink(usualRequest(dice, key, startMs + dice.unit() * 20 * MINUTE, key.networks[0] ?? '', said));
      }
    }
  };
