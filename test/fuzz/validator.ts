import { Buffer } from 'node:buffer';
import { AnyExchange, type InferenceRequest, type Principal, type RouteFamily } from '../../src/kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import type { Denial } from '../../src/kernel/reasons.ts';
import type { BodyRead, Downstream } from '../../src/kernel/transport.ts';
import { createFetchMedia } from '../../src/stages/fetch-media/stage.ts';
import { validationConfig } from '../../src/stages/validate/config.ts';
import { createValidate } from '../../src/stages/validate/stage.ts';
import { patches } from '../../src/vllm/patches/index.ts';
import { activePatches, createPatchCheck } from '../../src/vllm/patches/patch.ts';
import { parseRelease } from '../../src/vllm/release.ts';
import { routes } from '../../src/vllm/routes/index.ts';
import { createResponseIds } from '../../src/wire/response-id.ts';
import { alice } from '../support/exchange.ts';
import { settableClock } from '../support/clock.ts';
import { createDice, type Dice } from './dice.ts';
import { REMOTE_HOST, remoteSource } from './remote.ts';
import type { Numbers, Watch } from './seen.ts';

const CHOICES = (['deny', 'drop'] as const).flatMap((unknownFields) =>
  (['lower', 'deny'] as const).flatMap((overCap) =>
    (['deny', 'neutralise', 'pass'] as const).map((controlTokens) => ({ unknownFields, overCap, controlTokens })),
  ),
);
const RELEASES = [undefined, '0.9.2', '0.16.0', '0.22.0', '0.33.0'].map((release) =>
  createPatchCheck(activePatches(patches, release === undefined ? undefined : parseRelease(release), [], 'auto')),
);
const LENGTHS = [undefined, 16, 4096, 131_072];

/** What the model of the request is like; set for each request. */
let facts: { readonly contextTokens: number | undefined; readonly knowsSalt: boolean } = {
  contextTokens: undefined,
  knowsSalt: true,
};
let patchCheck = createPatchCheck([]);
const responseIds = createResponseIds(Buffer.alloc(32, 7));
/** Stages of every choice, in the same order. */
const stagesWith = (opened: object) => CHOICES.map((choice) => stageOf({ ...choice, ...opened }));
const stageOf = (choice: object) =>
  createValidate(validationConfig.parse({ ...choice, loraPaths: ['/adapters', 'org/adapter'] }), {
    maxOutputTokens: 65_536,
    tenantKey: Buffer.alloc(32, 7),
    responseIds,
    controlTokens: [],
    aliases: new Map(),
    factsOf: () => facts,
    patchCheckOf: () => patchCheck,
  });
const remoteMedia = { hosts: [REMOTE_HOST] };
const stages = stagesWith({});
const stagesThatFetch = stagesWith({ remoteMedia });
const storing = stagesWith({ storedResponses: true });
const storingThatFetch = stagesWith({ storedResponses: true, remoteMedia });
const fetchMedia = createFetchMedia({
  source: remoteSource,
  counters: {
    keyOf: (name) => ({ hi: 0, lo: 1, name }),
    spend: () => ({ kind: 'spent', standings: [], holds: [] }),
    settle: () => undefined,
    extend: () => undefined,
    progress: () => undefined,
    standing: () => ({ name: '', limit: 1, remaining: 1, windowS: 0, resetMs: 0 }),
  },
  clock: settableClock(),
  patchCheckOf: () => patchCheck,
  isUsable: () => true,
  onRevoked: () => () => undefined,
});

const configured: Numbers = { ...validationConfig.parse({}).caps, outputTokens: 65_536 };
const TIGHT: Numbers = {
  ...{ n: 1, stop: 1, messages: 2, promptList: 1, inputList: 2, documents: 2, conversations: 2, tools: 2 },
  ...{ topLogprobs: 0, images: 1, audios: 1, mediaBytes: 160, textBytes: 1024, toolBytes: 160, schemaBytes: 200 },
  ...{ schemaNodes: 4, schemaDepth: 2, outputTokens: 16 },
};
const WIDE: Numbers = { n: 128, stop: 64, audios: 4, images: 16, topLogprobs: 20, outputTokens: 10_000_000 };
const GRANTS = 'beam-search benchmark media-audio prefill structured-output token-ids'
  .split(' ')
  .map((name) => `fields:${name}`);

/** Callers of a few tenants, each with caps and grants of its own. */
const CALLERS: readonly Principal[] = Array.from({ length: 48 }, (_, seed) => {
  const dice = createDice(seed + 1);
  const changed = Object.entries(dice.pick([TIGHT, WIDE])).filter(() => seed > 15 && dice.chance(0.3));
  const grants = GRANTS.filter(() => dice.chance(dice.pick([0, 0.5, 1])));
  return {
    ...alice,
    tenant: `tenant-${seed % 4}`,
    caps: Object.fromEntries(changed),
    grants: new Set(grants),
  };
});

/** Everything of a request besides its body. */
export interface Setting {
  readonly kind: string;
  readonly choice: (typeof CHOICES)[number];
  readonly stage: (typeof stages)[number];
  readonly caller: Principal;
  readonly contextTokens: number | undefined;
  readonly knowsSalt: boolean;
  readonly patchCheck: ReturnType<typeof createPatchCheck>;
  readonly storesResponses: boolean;
}

/**
 * Draws who sends a body of the kind, to which release and model, and what the operator has chosen.
 *
 * @param isFetching a host is listed that media are fetched from
 */
export function drawSetting(kind: string, dice: Dice, isFetching: boolean): Setting {
  const at = dice.chance(0.5) ? 0 : dice.int(0, stages.length - 1);
  const [choice, stage] = [CHOICES[at], (isFetching ? stagesThatFetch : stages)[at]];
  if (choice === undefined || stage === undefined) throw new RangeError('no such choice');
  const patchCheck = dice.pick(RELEASES);
  const caller = dice.pick(CALLERS);
  const [contextTokens, knowsSalt] = [dice.pick(LENGTHS), dice.chance(0.9)];
  return { kind, choice, stage, caller, contextTokens, knowsSalt, patchCheck, storesResponses: false };
}

/** The same setting where responses may be stored. */
export function storingSetting(setting: Setting, isFetching: boolean): Setting {
  const stage = (isFetching ? storingThatFetch : storing)[CHOICES.indexOf(setting.choice)];
  if (stage === undefined) throw new RangeError('no such choice');
  return { ...setting, stage, storesResponses: true };
}

/** A body that says something of stored responses: the caller's own, others', and ids of nobody. */
export function withStored(body: JsonObject, { caller }: Setting, dice: Dice): JsonObject {
  const ids = [ownId(caller), sealed('resp_foreign', { ...caller, tenant: 'other' }), 'resp_own', '', 7, null];
  return {
    ...body,
    ...(dice.chance(0.5) ? { previous_response_id: dice.pick([ids[0] ?? '', ...ids]) } : {}),
    ...(dice.chance(0.3) ? { background: dice.chance(0.8) } : {}),
    ...(dice.chance(0.3) ? { store: dice.chance(0.5) } : {}),
  };
}

/** The id by which a caller knows what upstream calls `resp_own`. */
export const ownId = (caller: Principal): string => sealed('resp_own', caller);

function sealed(id: string, owner: Principal): string {
  return responseIds.seal({ upstream: 'main', id, model: 'tiny' }, owner);
}

/** The caps that count for a caller. */
export const capsOf = ({ caps }: Principal): Numbers => ({ ...configured, ...caps });

/** Who looks at what is sent. */
export function watch({ caller, choice, contextTokens, knowsSalt, storesResponses }: Setting): Watch {
  return {
    caps: capsOf(caller),
    grants: caller.grants,
    contextTokens,
    isSalted: knowsSalt,
    storesResponses,
    grown: choice.controlTokens === 'neutralise' ? 16 : 0,
    images: { count: 0, bytes: 0 },
    audios: { count: 0 },
    faults: [],
  };
}

const ROUTES = new Map<string, { readonly id: string; readonly path: string }>(
  routes.flatMap((row) => (row.family === undefined ? [] : [[row.family, { id: row.id, path: row.path }] as const])),
);

/** What the gateway says of the bytes of a body: the request that would be sent, or the denial. */
export async function validate(
  setting: Setting,
  bytes: Buffer,
  contentType = 'application/json',
): Promise<InferenceRequest | Denial> {
  ({ patchCheck } = setting);
  facts = setting;
  const downstream = {
    readBody: (): Promise<BodyRead> => Promise.resolve({ kind: 'body', bytes }),
    growBody: () => true,
    onDisconnect: () => undefined,
  } as unknown as Downstream; // the stages use nothing else of it
  const { id = '', path = '' } = ROUTES.get(setting.kind) ?? {};
  const x = Object.assign(new AnyExchange('id', 0, downstream, false), {
    head: { method: 'POST', path, headers: new Map([['content-type', contentType]]), hasBody: true, isUpgrade: false },
    principal: setting.caller,
    route: { id, family: setting.kind as RouteFamily, method: 'POST' as const, path, scope: 'inference:chat' as const },
  });
  const denial = await setting.stage.decide?.(x);
  if (denial !== undefined) return denial;
  if (x.request === undefined) throw new Error('neither a request nor a denial');
  const { request } = x;
  const late = await fetchMedia.decide?.(Object.assign(x, { request, model: request.model }));
  if (late !== undefined) return late;
  return { ...request, body: x.sentBody ?? {} };
}

/** Tells a request that is sent from a denial. */
export const isSent = (answer: InferenceRequest | Denial): answer is InferenceRequest => 'body' in answer;

/** One less of a body: each member and item left out in turn, and each text and number made small. */
export function* smallerThan(value: JsonValue): Generator<JsonValue> {
  if (typeof value === 'string' && value.length > 1) yield value.slice(0, value.length >> 1);
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    const without = copyOf(value);
    if (Array.isArray(without)) without.splice(Number(key), 1);
    else delete without[key];
    yield without;
  }
  for (const [key, inner] of Object.entries(value)) {
    for (const smaller of smallerThan(inner)) {
      const changed = copyOf(value);
      Object.defineProperty(changed, key, { value: smaller, enumerable: true, writable: true, configurable: true });
      yield changed;
    }
  }
}

const copyOf = <T extends JsonValue>(value: T): T => JSON.parse(JSON.stringify(value)) as T; // as it was written

/** The smallest body found in which still the same is wrong. */
export async function shrink(body: JsonObject, isWrong: (body: JsonObject) => Promise<boolean>): Promise<JsonObject> {
  for (const smaller of smallerThan(body)) {
    if (await isWrong(smaller as JsonObject)) return shrink(smaller as JsonObject, isWrong); // of an object, objects
  }
  return body;
}
