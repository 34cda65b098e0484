import { Buffer } from 'node:buffer';
import type { InferenceRequest } from '../../src/kernel/exchange.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/kernel/json.ts';
import type { Denial } from '../../src/kernel/reasons.ts';
import { createDice } from './dice.ts';
import { MARK } from './good-bodies.ts';
import { SPELLINGS, faultsOf, spelledAt } from './may-see.ts';
import { withRemote } from './remote.ts';
import {
  capsOf,
  drawSetting,
  isSent,
  ownId,
  shrink,
  storingSetting,
  validate,
  watch,
  withStored,
  type Setting,
} from './validator.ts';
import { textOf, woundedBody } from './wounds.ts';

/** Every salt that upstream has seen, with its tenant. */
const tenants = new Map<string, string>();
const salts = new Map<string, string>();

/** What is wrong with what the gateway says of a body. */
async function wrongIn(setting: Setting, text: string): Promise<string | undefined> {
  return wrongAnswer(setting, await validate(setting, Buffer.from(text)), text);
}

async function wrongAnswer(setting: Setting, answer: InferenceRequest | Denial, text: string) {
  if (!isSent(answer)) return wrongDenial(answer, text);
  return wrongRequest(setting, answer, text) ?? (await wrongAgain(setting, answer, text));
}

function wrongRequest(setting: Setting, { model, body, isStream, adjusted }: InferenceRequest, text: string) {
  const sent = JSON.parse(JSON.stringify(body)) as JsonObject; // what is written again is an object
  const [fault] = faultsOf(setting.kind, sent, watch(setting));
  if (fault !== undefined) return `sends ${fault}`;
  const asked = JSON.parse(text) as JsonObject; // it was accepted
  const named = asked[setting.kind === 'load-lora' ? 'lora_name' : 'model'];
  if (model !== named || sent[setting.kind === 'load-lora' ? 'lora_name' : 'model'] !== named) return 'another model';
  if (isStream !== (sent['stream'] === true)) return 'isStream';
  if (adjusted.some((note) => !/^[A-Za-z0-9_.-]{1,64}=[A-Za-z0-9.]+$/.test(note))) return 'a note breaks its header';
  const spelled = setting.choice.controlTokens === 'pass' ? undefined : spelledAt(sent);
  if (spelled !== undefined) return `a control token at ${spelled}`;
  return wrongSalt(sent, setting, text);
}

function wrongSalt(sent: JsonObject, { caller }: Setting, text: string): string | undefined {
  const salt = sent['cache_salt'];
  if (salt === undefined) return undefined;
  if (text.includes(String(salt))) return "the caller's own salt";
  const [of, its] = [tenants.get(String(salt)), salts.get(caller.tenant)];
  if ((of ?? caller.tenant) !== caller.tenant || (its ?? salt) !== salt) return 'the salt of another tenant';
  tenants.set(String(salt), caller.tenant);
  salts.set(caller.tenant, String(salt));
  return undefined;
}

/** What is sent is accepted again and sent the same, but for what the gateway puts in. */
async function wrongAgain(setting: Setting, { body }: InferenceRequest, text: string): Promise<string | undefined> {
  // A text that was broken is longer, and a reference in a schema leads elsewhere.
  const isBroken = setting.choice.controlTokens === 'neutralise' && SPELLINGS.some((one) => text.includes(one));
  if (isBroken) return undefined;
  const caller = { ...setting.caller, caps: { ...setting.caller.caps, textBytes: 1 << 20 } };
  // Upstream's own id is nobody's: a caller has another one for it.
  const isContinued = body['previous_response_id'] !== undefined;
  const asked = {
    ...body,
    ...(isContinued ? { previous_response_id: ownId(setting.caller) } : {}),
    // What usage is told in is the gateway's to say.
    ...(body['stream_options'] === undefined ? {} : { stream_options: { include_usage: true } }),
  };
  const again = await validate({ ...setting, caller, contextTokens: undefined }, Buffer.from(JSON.stringify(asked)));
  if (!isSent(again)) return `refuses what it sent: ${again.code} ${again.param ?? ''}`;
  return plain(body) === plain(again.body) ? undefined : 'sends another body the second time';
}

/**
 * Without keys of media, which are bound again; line feeds between texts, which are put in again; and the output length,
 * which is what the context has left beside a body that may now be longer.
 */
function plain(body: JsonObject): string {
  const members = Object.entries(body).filter(([name]) => !/^max_(completion_|output_)?tokens$/.test(name));
  return JSON.stringify(
    members.sort(([a], [b]) => (a < b ? -1 : 1)),
    (name, value: JsonValue) => {
      if (name === 'uuid') return '';
      return typeof value === 'string' ? value.replace(/^\n+/, '') : value;
    },
  );
}

function wrongDenial({ code, param, message }: Denial, text: string): string | undefined {
  if (message.includes(MARK)) return `${code} repeats what the caller wrote`;
  if (!CODES.has(code)) return `the code ${code}`;
  let body: JsonValue;
  try {
    body = JSON.parse(text.replace(/^\ufeff/, '')) as JsonValue; // what was parsed is a JSON value
  } catch {
    return code === 'invalid_json' || code === 'invalid_encoding' ? undefined : `${code} of no JSON`;
  }
  return param === null || leads(body, param, MAY_BE_MISSING.has(code)) ? undefined : `${code} names ${param}`;
}

const CODES = new Set(
  'invalid_json duplicate_key invalid_encoding invalid_field unknown_field forbidden_field value_out_of_range'
    .split(' ')
    .concat('model_not_allowed prompt_denied advisory_blocked unknown_response'.split(' ')),
);
/** What is missing is named, too. */
const MAY_BE_MISSING = new Set(['invalid_field', 'model_not_allowed']);
const STEP = /\.?([A-Za-z_$][A-Za-z0-9_$-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Whether a path leads to a place in a body. */
function leads(body: JsonValue, path: string, mayBeMissing: boolean): boolean {
  let value: JsonValue | undefined = body;
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const [, plainName, index, quoted] = STEP.exec(path) ?? [];
    const isLast = STEP.lastIndex === path.length;
    if (typeof value !== 'object' || value === null) return false;
    const name: string = plainName ?? index ?? String(JSON.parse(quoted ?? '""'));
    const key: string | undefined = Object.keys(value).find((own) => own === name || isShortened(own, name));
    if (key === undefined) return isLast && mayBeMissing && isJsonObject(value);
    value = Array.isArray(value) ? value[Number(key)] : value[key];
  }
  return true;
}

const isShortened = (own: string, shown: string): boolean =>
  shown.endsWith('…') && own.length > 64 && own.startsWith(shown.slice(0, -1));

/**
 * Makes the request of a seed, and gives what the gateway says of it: `sent`, or the code of the denial.
 *
 * @throws where that is wrong, with the smallest body of which it is
 */
export async function tryOut(kind: string, seed: number): Promise<string> {
  const dice = createDice(seed);
  // Dice of their own: what the kept seeds make stays the same.
  const more = createDice(~seed);
  const isFetching = (seed & 3) === 3;
  const drawn = drawSetting(kind, dice, isFetching);
  const setting = kind === 'responses' && more.chance(0.5) ? storingSetting(drawn, isFetching) : drawn;
  const wounded = woundedBody(kind, dice, capsOf(setting.caller));
  const whole = setting.storesResponses && isJsonObject(wounded) ? withStored(wounded, setting, more) : wounded;
  const body = isFetching ? withRemote(whole, createDice(seed ^ 0x5eed)) : whole;
  const { text, isBroken } = textOf(body, dice);
  const answer = await validate(setting, Buffer.from(text));
  const wrong =
    isBroken && isSent(answer) ? 'reads what another reads otherwise' : await wrongAnswer(setting, answer, text);
  if (wrong === undefined) return isSent(answer) ? 'sent' : answer.code;
  const isWrong = async (one: JsonObject) => (await wrongIn(setting, JSON.stringify(one))) === wrong;
  const smallest = (await isWrong(body)) ? JSON.stringify(await shrink(body, isWrong)) : text;
  const { choice, caller, contextTokens, knowsSalt } = setting;
  const grants = [...caller.grants];
  const who = JSON.stringify({ choice, caps: caller.caps, grants, contextTokens, knowsSalt });
  throw new Error(`${kind} ${seed}: ${wrong} of ${smallest} by ${who}`);
}
