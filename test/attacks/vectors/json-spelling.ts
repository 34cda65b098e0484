import { BODY, chat, chatBody } from '../message.ts';
import { accepted, refused, type Vector } from '../vector.ts';

const RFC = 'RFC 8259';
/** Latin-1 text of bytes in an encoding, as vectors hold them. */
const bytesOf = (text: string, encoding: BufferEncoding): string => Buffer.from(text, encoding).toString('latin1');
const BOM = bytesOf('\ufeff', 'utf8');

const json = (id: string, body: string, code: string, claim: string, source = `${RFC} §2`): Vector => ({
  id: `json-${id}`,
  claim,
  source,
  bytes: chat({ body }),
  verdict: refused([400], { code, next: 'answered' }),
});
const inside = (rest: string): string => BODY.replace(/\}$/, `${rest}}`);

/** A body has one meaning: whatever two parsers could read in two ways is refused, also where vLLM would take it. */
export const jsonSpelling: readonly Vector[] = [
  json(
    'duplicate-model',
    inside(',"model":"secret"'),
    'duplicate_key',
    'a second model is refused: vLLM takes the last one',
    `${RFC} §4`,
  ),
  json(
    'duplicate-escaped',
    inside(',"mod\\u0065l":"secret"'),
    'duplicate_key',
    'a second model spelt with an escape is refused',
    `${RFC} §4`,
  ),
  json(
    'duplicate-nested',
    BODY.replace('"role":"user"', '"role":"user","role":"system"'),
    'duplicate_key',
    'a duplicate deep inside is refused',
    `${RFC} §4`,
  ),
  json('bom', BOM + BODY, 'invalid_encoding', 'a byte order mark is refused', `${RFC} §8.1`),
  json(
    'utf16',
    bytesOf(`\ufeff${BODY}`, 'utf16le'),
    'invalid_encoding',
    'UTF-16 is refused: vLLM guesses it',
    `${RFC} §8.1`,
  ),
  json(
    'utf16-without-bom',
    bytesOf(BODY, 'utf16le'),
    'invalid_encoding',
    'UTF-16 without mark is refused',
    `${RFC} §8.1`,
  ),
  json('invalid-utf8', chatBody('a\xffb'), 'invalid_encoding', 'a byte that is no UTF-8 is refused', `${RFC} §8.1`),
  json('overlong-utf8', chatBody('a\xc0\xafb'), 'invalid_encoding', 'overlong UTF-8 is refused', 'RFC 3629 §3'),
  json(
    'surrogate-utf8',
    chatBody('a\xed\xa0\x80b'),
    'invalid_encoding',
    'a surrogate in UTF-8 is refused',
    'RFC 3629 §3',
  ),
  json('lone-surrogate', chatBody('a\\ud800b'), 'invalid_encoding', 'a lone surrogate is refused', `${RFC} §8.2`),
  json('nul', chatBody('a\\u0000b'), 'invalid_encoding', 'an escaped NUL is refused', `${RFC} §7`),
  json('raw-control', chatBody('a\x01b'), 'invalid_json', 'a control character in a text is refused', `${RFC} §7`),
  json('nan', inside(',"temperature":NaN'), 'invalid_json', 'NaN is refused: vLLM parses it', `${RFC} §6`),
  json(
    'infinity',
    inside(',"temperature":-Infinity'),
    'invalid_json',
    'Infinity is refused: vLLM parses it',
    `${RFC} §6`,
  ),
  json(
    'overflow',
    inside(',"temperature":1e999'),
    'invalid_json',
    'a number beyond all numbers is refused',
    `${RFC} §6`,
  ),
  json('hex', inside(',"seed":0x10'), 'invalid_json', 'a hexadecimal number is refused', `${RFC} §6`),
  json('leading-zero', inside(',"seed":010'), 'invalid_json', 'a number with leading zero is refused', `${RFC} §6`),
  json('plus', inside(',"seed":+1'), 'invalid_json', 'a number with plus sign is refused', `${RFC} §6`),
  json('trailing-comma', inside(','), 'invalid_json', 'a trailing comma is refused', `${RFC} §4`),
  json('comment', inside('/* x */'), 'invalid_json', 'a comment is refused'),
  json('single-quotes', BODY.replaceAll('"', "'"), 'invalid_json', 'single quotes are refused', `${RFC} §7`),
  json('trailing-value', `${BODY}{}`, 'invalid_json', 'a second value behind the first one is refused'),
  json(
    'two-lines',
    `${BODY}\n${chatBody('smuggled')}`,
    'invalid_json',
    'a second request as a line of its own is refused',
  ),
  json('form-feed', `\x0c${BODY}`, 'invalid_json', 'a form feed is no whitespace'),
  json('no-break-space', `\xc2\xa0${BODY}`, 'invalid_json', 'a no-break space is no whitespace'),
  json(
    'nested',
    inside(`,"stop":${'['.repeat(70)}${']'.repeat(70)}`),
    'invalid_json',
    'a value nested 71 deep is refused',
  ),
  json('empty', '', 'invalid_json', 'an empty body is refused'),
  {
    id: 'json-array',
    claim: 'an array is refused',
    source: 'contract, fields',
    bytes: chat({ body: `[${BODY}]` }),
    verdict: refused([400], { next: 'answered' }),
  },
  {
    id: 'json-model-in-other-case',
    claim: 'a second model in other letters is an unknown field',
    source: 'contract, fields',
    bytes: chat({ body: inside(',"Model":"secret"') }),
    verdict: refused([400], { code: 'unknown_field', next: 'answered' }),
  },
  {
    id: 'json-prototype',
    claim: '`__proto__` is an unknown field and changes nothing',
    source: 'CWE-1321',
    bytes: chat({ body: inside(',"__proto__":{"model":"secret"}') }),
    verdict: refused([400], { code: 'unknown_field', next: 'answered' }),
  },
  {
    id: 'json-constructor',
    claim: '`constructor` is an unknown field and changes nothing',
    source: 'CWE-1321',
    bytes: chat({ body: inside(',"constructor":{"prototype":{"stream":true}}') }),
    verdict: refused([400], { code: 'unknown_field', next: 'answered' }),
  },
  {
    id: 'json-big-seed',
    claim: 'an integer that would be rounded is refused',
    source: 'contract, fields',
    bytes: chat({ body: inside(',"seed":9007199254740993') }),
    verdict: refused([400], { code: 'value_out_of_range', next: 'answered' }),
  },
  {
    id: 'json-escaped-names',
    claim: 'names and texts with needless escapes go upstream in their plain spelling',
    source: `${RFC} §8.3`,
    bytes: chat({ body: BODY.replace('"model"', '"\\u006dodel"').replace('"user"', '"u\\u0073er"') }),
    verdict: accepted,
  },
  {
    id: 'json-whitespace',
    claim: 'whitespace between the parts goes nowhere',
    source: `${RFC} §2`,
    bytes: chat({ body: `\r\n\t ${BODY.replaceAll(',', ' ,\n')} \r\n` }),
    verdict: accepted,
  },
  {
    id: 'json-integer-as-float',
    claim: 'a whole number written as a fraction has one meaning',
    source: `${RFC} §6`,
    bytes: chat({ body: BODY.replace(':8}', ':8.0}') }),
    verdict: accepted,
  },
  {
    id: 'json-media-type-upper',
    claim: 'the media type is known in any case and with its charset',
    source: 'RFC 9110 §8.3.1',
    bytes: chat({ type: 'Content-Type: Application/JSON; Charset="UTF-8"' }),
    verdict: accepted,
  },
  ...(
    [
      ['missing', ''],
      ['form', 'Content-Type: application/x-www-form-urlencoded'],
      ['text', 'Content-Type: text/plain'],
      ['suffix', 'Content-Type: application/vnd.api+json'],
      ['utf16', 'Content-Type: application/json; charset=utf-16'],
      ['boundary', 'Content-Type: multipart/form-data; boundary=x'],
      ['trailing', 'Content-Type: application/jsonx'],
      ['nested', 'Content-Type: text/plain; application/json'],
    ] as const
  ).map(([id, type]): Vector => ({
    id: `json-media-type-${id}`,
    claim: `${type === '' ? 'a missing media type' : `the media type ${type.slice(14)}`} is refused`,
    source: 'RFC 9110 §15.5.16',
    ...(id === 'form' ? { probes: ['COMP-POST-UNSUPPORTED-CT'] } : {}),
    bytes: chat({ type }),
    verdict: refused([415], { code: 'unsupported_media_type' }),
  })),
];
