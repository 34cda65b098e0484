import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InferenceRequest } from '../../src/kernel/exchange.ts';
import type { JsonValue } from '../../src/kernel/json.ts';
import type { Denial } from '../../src/kernel/reasons.ts';
import { writeForm, type FormPart } from '../../src/wire/multipart.ts';
import { silence } from '../support/sound.ts';
import { createDice, type Dice } from './dice.ts';
import { MARK } from './good-bodies.ts';
import { SPELLINGS } from './may-see.ts';
import { bool, granted, int, list, num, text, word, type Look } from './seen.ts';
import { drawSetting, isSent, validate, watch, type Setting } from './validator.ts';

/** Forms: in `npm test` as many as each family of routes has, in `npm run fuzz` as many as are asked for. */
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 5000);

const SAFE = Number.MAX_SAFE_INTEGER;
const tag: Look = (value, at, seen) => {
  text(2, 40)(value, at, seen);
  if (!/^[A-Za-z0-9-]+$/.test(String(value))) seen.faults.push(`${at}: language`);
};
/** What vLLM may see of a form, from the specification alone; the texts of a form are read as what they are. */
const MAY_SEE: Readonly<Record<string, Look>> = {
  model: text(1, 256),
  language: tag,
  to_language: tag,
  prompt: text(1, 8192),
  hotwords: text(1, 1024),
  response_format: word('json', 'verbose_json'),
  'timestamp_granularities[]': list(word('word', 'segment'), 2),
  stream: bool,
  stream_include_usage: bool,
  max_completion_tokens: int(1, 'outputTokens'),
  temperature: num(0, 2),
  top_p: num(1e-7, 1),
  top_k: int(-1, 1_000_000),
  min_p: num(0, 1),
  presence_penalty: num(-2, 2),
  frequency_penalty: num(-2, 2),
  repetition_penalty: num(0.5, 2),
  seed: int(-SAFE, SAFE),
  include_stop_str_in_output: bool,
  n: granted('fields:beam-search', int(1, 'n')),
  use_beam_search: granted('fields:beam-search', bool),
  length_penalty: granted('fields:beam-search', num(-10, 10)),
};
const IS_TEXT = new Set(['model', 'language', 'to_language', 'prompt', 'hotwords', 'response_format']);
const CLOSED = ['vllm_xargs', 'watermarking', 'stream_continuous_usage_stats', 'priority', 'request_id', 'file_url'];
const IGNORED = ['chunking_strategy', 'include[]', 'known_speaker_names[]', '__proto__', 'constructor', 'Model'];
const NAMES = [...Object.keys(MAY_SEE), ...CLOSED, ...IGNORED];
const VALUES = [
  ...['true', 'false', '0', '1', '2', '-1', '0.5', '1e3', '1e999', 'NaN', '0x10', '9007199254740993', '', ' 1', 'null'],
  ...['en', 'zh-CN', 'e', 'json', 'verbose_json', 'text', 'srt', 'word', 'segment', '{}', '[1]', `${MARK} hello`],
  ...[...SPELLINGS.slice(0, 3), `${MARK}${'y'.repeat(1500)}`, `${MARK}${'z'.repeat(9000)}`, 'a\u0000b', '\ufeffa'],
];
const SOUND = silence(320);
const FILES = [SOUND, SOUND, SOUND, Buffer.from('MZ'), Buffer.alloc(0), Buffer.from('<svg/>'), SOUND.subarray(0, 40)];
const GOOD: readonly (readonly [string, string])[] = [
  ['language', 'en'],
  ['prompt', `${MARK} hello`],
  ['response_format', 'json'],
  ['stream', 'true'],
  ['temperature', '0.5'],
  ['timestamp_granularities[]', 'word'],
  ['max_completion_tokens', '8'],
];

const field = (name: string, value: string): FormPart => {
  return { name, filename: undefined, contentType: undefined, bytes: Buffer.from(value) };
};

/** A form that is good for most, hurt in some places. */
function drawParts(dice: Dice): FormPart[] {
  const parts = [field('model', `${MARK}model`)];
  for (let more = dice.int(0, 3); more > 0; more--) parts.push(field(...dice.pick(GOOD)));
  const filename = dice.pick(['a.wav', 'a"; name="model', '../../x', `${MARK}.mp3`, '']);
  parts.push({ name: 'file', filename, contentType: 'audio/wav', bytes: SOUND });
  for (let wounds = dice.int(0, 2); wounds > 0; wounds--) {
    const at = dice.int(0, parts.length - 1);
    const part = parts[at];
    if (part === undefined) break;
    switch (dice.int(0, 6)) {
      case 0:
      case 1:
        parts.splice(at, 0, field(dice.pick(NAMES), dice.pick(VALUES)));
        break;
      case 2:
        parts[at] = { ...part, bytes: dice.pick([...FILES, ...VALUES.map((value) => Buffer.from(value))]) };
        break;
      case 3:
        parts[at] = { ...part, name: dice.pick(NAMES) };
        break;
      case 4:
        parts[at] = { ...part, filename: dice.pick([undefined, 'b.wav']) };
        break;
      case 5:
        parts[at] = { ...part, contentType: dice.pick(['text/plain; charset=utf-16', 'multipart/mixed', 'a/b', 'x']) };
        break;
      default:
        parts.splice(at, 1);
    }
  }
  return parts;
}

/** The bytes of a form, of which some are changed. */
function drawBytes(parts: readonly FormPart[], boundary: string, dice: Dice): Buffer {
  const bytes = writeForm(parts, boundary);
  if (dice.chance(0.8)) return bytes;
  const [from, to] = [dice.int(0, bytes.length), dice.int(0, bytes.length)];
  const between = dice.pick([
    '',
    '\r\n',
    '\n',
    `--${boundary}`,
    `\r\n--${boundary}--`,
    '"',
    ';',
    '\u0000',
    'name="model"',
  ]);
  const end = dice.chance(0.5) ? from : Math.min(bytes.length, Math.max(from, to), from + 3);
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(between), bytes.subarray(end)]);
}

const valueOf = (name: string, said: string): JsonValue => {
  if (IS_TEXT.has(name)) return said;
  try {
    return JSON.parse(said) as JsonValue; // what was parsed is a JSON value
  } catch {
    return said;
  }
};

/** What is wrong with a form that would be sent, as the platform's own reader of forms understands it. */
async function wrongForm(setting: Setting, { model, upload, isStream }: InferenceRequest, original: Buffer) {
  if (upload?.bytes === undefined) return 'no form';
  const { contentType, bytes } = upload;
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
  const seen = watch(setting);
  const files: File[] = [];
  for (const name of new Set(form.keys())) {
    const all = form.getAll(name);
    const said = all.flatMap((one) => (typeof one === 'string' ? [one] : (files.push(one), [])));
    if (name === 'file') {
      if (said.length > 0) return 'a file that is a text';
      continue;
    }
    const isList = name.endsWith('[]');
    if (said.length !== all.length || (!isList && said.length !== 1)) return `${name} more than once, or a file`;
    const look = MAY_SEE[name];
    if (look === undefined) return `${name} may not be there`;
    look(isList ? said : valueOf(name, said[0] ?? ''), name, seen);
    if (
      setting.choice.controlTokens !== 'pass' &&
      SPELLINGS.some((one) => name === 'prompt' && said[0]?.includes(one))
    ) {
      return 'a control token';
    }
  }
  const [file] = files;
  if (file === undefined || files.length > 1) return `${files.length} files`;
  if (!/^audio\.[a-z0-9]{2,4}$/.test(file.name)) return "the caller's name of the file";
  const sound = Buffer.from(await file.arrayBuffer());
  if (!sound.subarray(0, 4).equals(Buffer.from('RIFF')) || !original.includes(sound)) return 'another recording';
  if (form.get('model') !== model || isStream !== (form.get('stream') === 'true')) return 'another model or way';
  return seen.faults[0];
}

function wrongDenial({ code, message, param }: Denial): string | undefined {
  if (message.includes(MARK) || (param ?? '').includes(MARK)) return `${code} repeats what the caller wrote`;
  return CODES.has(code) ? undefined : `the code ${code}`;
}
const CODES = new Set([
  ...['invalid_request', 'invalid_field', 'unknown_field', 'forbidden_field', 'value_out_of_range'],
  ...['invalid_encoding', 'model_not_allowed', 'prompt_denied', 'advisory_blocked'],
]);

test('nothing that vLLM may not see is sent of forms, and their recording is sent as it came', async (t) => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.noShrink(fc.integer()), async (seed) => {
      const dice = createDice(seed);
      const setting = drawSetting('transcription', dice, false);
      const boundary = dice.pick(['b', 'a.b', "x'y_z", 'r'.repeat(70)]);
      const bytes = drawBytes(drawParts(dice), boundary, dice);
      const original = Buffer.from(bytes);
      const answer = await validate(setting, bytes, `multipart/form-data; boundary="${boundary}"`);
      const wrong = isSent(answer) ? await wrongForm(setting, answer, original) : wrongDenial(answer);
      assert.equal(wrong, undefined, `seed ${seed}: ${original.toString('latin1').slice(0, 2000)}`);
      const said = isSent(answer) ? 'sent' : answer.code;
      outcomes.set(said, (outcomes.get(said) ?? 0) + 1);
    }),
    { numRuns, endOnFailure: true },
  );
  const told = [...outcomes].map(([what, times]) => `${what} ${times}`).join(', ');
  t.diagnostic(told);
  assert.ok((outcomes.get('sent') ?? 0) > numRuns / 5 && outcomes.size >= 7, told);
});
