import type { Dice } from './dice.ts';

/** How a key is used. */
export type Habit = 'person' | 'agent' | 'service' | 'batch';

/** A key and who uses it. Some of it changes in the course of a month. */
export interface SimulatedKey {
  readonly id: string;
  readonly tenant: string;
  readonly habit: Habit;
  /** Addresses that it is used from, the usual one first. */
  networks: string[];
  agent: string;
  /** Where and with what it was used until it moved. */
  moved: { readonly atMs: number; readonly networks: readonly string[]; readonly agent: string } | undefined;
  /** Of the client; goes up by itself. */
  release: number;
  models: string[];
  route: string;
  /** Hours that its day is ahead of UTC. */
  readonly zoneHours: number;
  /** Sessions, runs or requests on a usual day. */
  perDay: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Shape of the bursts: the smaller, the burstier. */
  readonly burstShape: number;
  /** Prompts made from one text. */
  readonly template: string | undefined;
  /** Of the prompt before. */
  lastLikeness: string;
  readonly usesLogprobs: boolean;
  /** New networks by chance, for each session. */
  readonly wandering: number;
  /** Hour of the day at which a batch runs, and on which days. */
  readonly runHour: number;
  readonly runDays: 'daily' | 'weekdays' | 'weekly' | 'hourly';
  /** Asks for paths that are not here when it starts. */
  readonly feels: boolean;
  /** Days on which it rests, beside weekends. */
  readonly restDays: Set<number>;
}

const AGENTS: Record<Habit, readonly string[]> = {
  person: ['Mozilla/5.0 (X11; Linux x86_64) Chrome/', 'open-webui/', 'OpenAI/JS ', 'OpenAI/Python ', 'cursor/'],
  agent: ['claude-cli/', 'codex_cli_rs/', 'opencode/', 'aider/'],
  service: ['OpenAI/Python ', 'OpenAI/JS ', 'langchain/', 'Go-http-client/', 'okhttp/'],
  batch: ['OpenAI/Python ', 'python-httpx/', 'AsyncOpenAI/Python ', 'curl/'],
};
const MODELS = ['tiny', 'large', 'coder', 'embedder'];
/** Of 200 keys. */
const MIX: readonly (readonly [Habit, number])[] = [
  ['person', 0.45],
  ['agent', 0.15],
  ['service', 0.225],
  ['batch', 0.175],
];
const TENANTS = 12;

/** A network that nobody else has: public, IPv4, now and then IPv6. */
export function newNetwork(dice: Dice): string {
  if (dice.isTrue(0.15)) return `2a${dice.below(256).toString(16)}:${dice.below(65_536).toString(16)}:0:1::/64`;
  const first = 11 + dice.below(87);
  return `${first}.${dice.below(256)}.${dice.below(256)}.${1 + dice.below(254)}`;
}

/** @param count keys */
export function createPopulation(dice: Dice, count: number): SimulatedKey[] {
  const offices = Array.from({ length: TENANTS }, () => newNetwork(dice));
  return Array.from({ length: count }, (_, i) => {
    const habit = habitOf((i + 0.5) / count);
    const tenant = dice.below(TENANTS);
    return newKey(dice, i, habit, tenant, offices[tenant] ?? newNetwork(dice));
  });
}

function habitOf(part: number): Habit {
  let sum = 0;
  for (const [habit, share] of MIX) if (part < (sum += share)) return habit;
  return 'batch';
}

function newKey(dice: Dice, i: number, habit: Habit, tenant: number, office: string): SimulatedKey {
  const isPerson = habit === 'person' || habit === 'agent';
  return {
    id: `K${String(i).padStart(5, '0')}`,
    tenant: `tenant-${tenant}`,
    habit,
    networks: isPerson
      ? dice.isTrue(0.7)
        ? [office, newNetwork(dice)]
        : [newNetwork(dice)]
      : Array.from({ length: 1 + dice.below(3) }, () => newNetwork(dice)),
    agent: dice.pick(AGENTS[habit]),
    moved: undefined,
    release: 1 + dice.below(20),
    models: [dice.pick(MODELS), dice.pick(MODELS)],
    route: dice.isTrue(0.8) ? 'chat-completions' : dice.pick(['responses', 'completions', 'messages']),
    zoneHours: dice.pick([-8, -5, 0, 1, 1, 1, 2, 5, 8]),
    perDay: perDayOf(dice, habit),
    promptTokens: habit === 'person' ? dice.logNormal(1_020, 0.5) : dice.logNormal(1_200, 0.9),
    completionTokens: habit === 'person' ? dice.logNormal(129, 0.4) : dice.logNormal(100, 0.9),
    burstShape: dice.logBetween(0.3, 4),
    template: dice.isTrue(habit === 'batch' ? 0.8 : habit === 'service' ? 0.3 : 0.03) ? dice.hex16() : undefined,
    lastLikeness: dice.hex16(),
    usesLogprobs: dice.isTrue(habit === 'batch' ? 0.15 : habit === 'service' ? 0.05 : 0),
    wandering: isPerson && dice.isTrue(0.3) ? dice.between(0.05, 0.3) : 0,
    runHour: dice.below(24),
    runDays: dice.pick(['daily', 'daily', 'weekdays', 'weekly', 'hourly'] as const),
    feels: isPerson && dice.isTrue(0.1),
    restDays: new Set(),
  };
}

function perDayOf(dice: Dice, habit: Habit): number {
  if (habit === 'person') return dice.logNormal(4, 0.5);
  if (habit === 'agent') return dice.logNormal(2.5, 0.4);
  // A few clients make most of the traffic.
  if (habit === 'service') return Math.min(12_000, dice.logNormal(900, 1));
  return Math.min(8_000, dice.logNormal(600, 0.9));
}
