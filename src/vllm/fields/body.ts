import type { InferenceRequest } from '../../kernel/exchange.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { nearest } from '../../kernel/nearest.ts';
import { Refusal, invalid, outOfRange } from './check.ts';
import type { Check } from './check.ts';
import type { BodyKind, FieldRow, FieldSettings } from './field.ts';
import { fieldFamilies } from './index.ts';
import { memberPath } from './json-path.ts';
import { sameJson } from './same-json.ts';
import { textBytesOf } from './text-bytes.ts';

/** What the operator has chosen about bodies. */
export interface BodySettings extends FieldSettings {
  /** Most completion tokens of one answer. */
  readonly maxOutputTokens: number | 'none';
  /** What happens to an output length above it. */
  readonly overCap: 'lower' | 'deny';
}

/**
 * Checks a parsed body and builds the one that is sent: from checked values only.
 *
 * @param bodyBytes length of the body as it came, which bounds the text in it
 */
export type BodyCheck = (body: JsonObject, bodyBytes: number) => InferenceRequest | Refusal;

/** Makes the check for one kind of body; once, at start. */
export function createBodyCheck(kind: BodyKind, settings: BodySettings): BodyCheck {
  const rows = rowsOf(kind);
  const checks = new Map([...rows].map(([name, row]) => [name, checkOf(row, settings)]));
  const required = [...rows]
    .filter(([, row]) => row.policy === 'pass' && row.isRequired === true)
    .map(([name]) => name);
  const known = ['model', ...rows.keys()];
  const checkOutput = outputCheck(settings);

  return (body, bodyBytes) => {
    const sent: JsonObject = {};
    const adjusted: string[] = [];
    let model = '';
    for (const name in body) {
      const value = body[name];
      // SDKs send null for what is not set, and vLLM takes it so.
      if (value === undefined || value === null) continue;
      if (name === 'model') {
        if (typeof value !== 'string' || !isModelName(value)) return invalid(MODEL_NAME, name);
        model = value;
        continue;
      }
      const check = checks.get(name);
      if (check === undefined) {
        if (settings.unknownFields === 'deny') return unknownField(name, known);
        noteDropped(adjusted, name);
        continue;
      }
      const checked = check(value);
      if (checked instanceof Refusal) return checked.within(name);
      if (checked !== undefined) sent[name] = checked;
    }
    for (const name of required) {
      if (sent[name] === undefined) return invalid('This field is required.', name);
    }
    if (bodyBytes > settings.caps.textBytes && textBytesOf(sent) > settings.caps.textBytes) {
      return outOfRange(`Send at most ${settings.caps.textBytes} bytes of text.`, required[0]);
    }
    const wantsUsage = settleStream(sent);
    if (wantsUsage instanceof Refusal) return wantsUsage;
    const tooLong = checkOutput(sent, adjusted);
    if (tooLong !== undefined) return tooLong;
    // Last, so that a body's own mistakes are told first. vLLM would answer with its default model instead.
    if (model === '') return new Refusal('model_not_allowed', 'model', 'Name a model. See GET /v1/models.');
    sent['model'] = model;
    return { model, body: sent, isStream: sent['stream'] === true, wantsUsage, adjusted };
  };
}

const MAX_MODEL_CHARS = 256;
const MODEL_NAME = `Give the name of a model: at most ${MAX_MODEL_CHARS} characters, none of them invisible.`;
/** What logs and terminals act on or do not show (controls, formats, line breaks), and halves of a character. */
const NOT_IN_NAME = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** Bounds what a caller can put into logs and metrics: while no list of models is known, any name gets that far. */
const isModelName = (name: string): boolean => name.length <= MAX_MODEL_CHARS && !NOT_IN_NAME.test(name);

/** Rows of one kind of body, by name. */
export function rowsOf(kind: BodyKind): ReadonlyMap<string, FieldRow> {
  const rows = new Map<string, FieldRow>();
  for (const family of fieldFamilies) {
    for (const [name, row] of Object.entries(family)) if (row.on.includes(kind)) rows.set(name, row);
  }
  return rows;
}

function checkOf(row: FieldRow, settings: FieldSettings): Check {
  if (row.policy === 'pass') return row.type(settings);
  if (row.policy === 'drop') return () => undefined;
  const { vllmDefault, instead } = row;
  const hint = instead === undefined ? 'Leave it out.' : `Leave it out; the name for it is ${instead}.`;
  const refusal = new Refusal('forbidden_field', '', `This field of vLLM is closed at the gateway. ${hint}`);
  return (value) => (vllmDefault !== undefined && sameJson(value, vllmDefault) ? undefined : refusal);
}

/**
 * Puts the streaming fields into the form that is sent: usage is always asked for, so that tokens can be
 * counted. Gives whether the caller wants it too.
 */
function settleStream(sent: JsonObject): boolean | Refusal {
  const options = sent['stream_options'];
  if (sent['stream'] !== true) {
    if (options === undefined) return false;
    return invalid('Leave it out, or set stream to true.', 'stream_options');
  }
  sent['stream_options'] = { include_usage: true };
  return (
    typeof options === 'object' && options !== null && 'include_usage' in options && options['include_usage'] === true
  );
}

/** Bounds the output length; of two fields the one that vLLM obeys goes on. */
function outputCheck({
  maxOutputTokens,
  overCap,
}: BodySettings): (sent: JsonObject, adjusted: string[]) => Refusal | undefined {
  return (sent, adjusted) => {
    let name = 'max_tokens';
    if (sent['max_completion_tokens'] !== undefined) {
      name = 'max_completion_tokens';
      delete sent['max_tokens']; // vLLM obeys max_completion_tokens; what is sent must not depend on that
    }
    const wanted: JsonValue | undefined = sent[name];
    if (maxOutputTokens === 'none' || typeof wanted !== 'number' || wanted <= maxOutputTokens) return undefined;
    if (overCap === 'deny') return outOfRange(`Give at most ${maxOutputTokens}.`, name);
    sent[name] = maxOutputTokens;
    adjusted.push(`${name}=${maxOutputTokens}`);
    return undefined;
  };
}

/** No field's name is longer: a caller's long one is not worth the time of a comparison. */
const MAX_GUESSED_CHARS = 48;

function unknownField(name: string, known: readonly string[]): Refusal {
  const near = name.length <= MAX_GUESSED_CHARS ? nearest(name, known) : undefined;
  const hint = near === undefined ? 'Remove it.' : `Remove it, or did you mean ${near}?`;
  return new Refusal('unknown_field', memberPath('', name), `This field is not known. ${hint}`);
}

const MAX_NOTED = 16;

/** Names a dropped field in a response header: only names that cannot break out of it, and not without end. */
function noteDropped(adjusted: string[], name: string): void {
  if (adjusted.length < MAX_NOTED && /^[A-Za-z0-9_.-]{1,64}$/.test(name)) adjusted.push(`${name}=dropped`);
}
