import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { checkPattern } from '../schema/pattern.ts';
import { bool, listOf, oneOf, shortText, text } from './check.ts';
import { closedForm } from './closed-form.ts';
import type { BodyKind, Check, FieldContext, FieldFamily, Members } from './field.ts';
import { CHAT, GENERATE } from './field.ts';
import { shortJsonText } from './json-text.ts';
import { formsOf, objectOf } from './object.ts';
import { Refusal, invalid } from './refusal.ts';
import { compiledSchema } from './tools.ts';

const COMPILES = 'Compiling a grammar can take the server down (CVE-2026-105757).';
const OLD_NAME = 'An old name: newer releases drop the constraint without a word.';
const GRANT = 'fields:structured-output';
const GRAMMAR_BYTES = 16 * 1024;
const MAX_CHOICES = 100;

const regexCheck: Check = (value, context) => {
  const checked = text(value, context);
  return typeof checked === 'string' ? (checkPattern(checked) ?? checked) : checked;
};

const jsonSchema: Members = {
  name: { policy: 'pass', type: shortText(1, 256), isRequired: true },
  description: { policy: 'pass', type: shortText(0, 8192) },
  schema: { policy: 'pass', type: compiledSchema, isRequired: true },
  strict: { policy: 'pass', type: bool },
};
const structuralTag = closedForm({ why: COMPILES, members: 'format structures triggers', what: 'kind of format' });
const formatForms = formsOf(
  'type',
  {
    // Text is vLLM's default, and not sent on.
    text: () => undefined,
    json_object: objectOf(
      { type: { policy: 'pass', type: oneOf('json_object'), isRequired: true } },
      'Give an object.',
    ),
    json_schema: objectOf(
      {
        type: { policy: 'pass', type: oneOf('json_schema'), isRequired: true },
        json_schema: {
          policy: 'pass',
          type: objectOf(jsonSchema, 'Give an object with name and schema.'),
          isRequired: true,
        },
      },
      'Give an object with type and json_schema.',
    ),
    structural_tag: structuralTag,
  },
  'Give an object such as {"type":"json_object"}.',
);

/** The form of the answer that the caller asks for. */
export const responseFormat = {
  response_format: { on: GENERATE, policy: 'pass', type: formatForms },
} as const satisfies FieldFamily;

const structuredMembers: Members = {
  json: { policy: 'pass', type: compiledSchema },
  json_object: { policy: 'pass', type: bool },
  choice: { policy: 'pass', type: listOf(shortText(1, 256), MAX_CHOICES) },
  regex: { policy: 'deny', why: COMPILES, grant: GRANT, type: regexCheck },
  grammar: { policy: 'deny', why: COMPILES, grant: GRANT, type: shortText(1, GRAMMAR_BYTES) },
  structural_tag: { policy: 'deny', why: COMPILES, grant: GRANT, type: shortJsonText(1, GRAMMAR_BYTES) },
  whitespace_pattern: { policy: 'deny', why: COMPILES },
  disable_any_whitespace: { policy: 'deny', vllmDefault: false, why: 'A choice of the operator.' },
  disable_additional_properties: { policy: 'deny', vllmDefault: false, why: 'A choice of the operator.' },
  disable_fallback: { policy: 'deny', vllmDefault: false, why: 'A choice of the operator.' },
  backend: { policy: 'deny', why: 'Picks the weakest compiler.' },
  _backend: { policy: 'deny', why: 'Picks the weakest compiler.' },
  _backend_was_auto: { policy: 'deny', vllmDefault: false, why: 'Picks the weakest compiler.' },
};
const structuredObject = objectOf(structuredMembers, 'Give an object such as {"json":{…}}.');
/**
 * One constraint. An empty object asks for nothing, and ended the engine in some releases; so did an object of only
 * `json_object: false` (which is its default, and left out), and several constraints in one.
 */
const structuredCheck: Check = Object.assign(
  (value: JsonValue, context: FieldContext) => {
    const checked = structuredObject(value, context);
    if (checked === undefined || checked instanceof Refusal || !isJsonObject(checked)) return checked;
    if (checked['json_object'] === false) delete checked['json_object'];
    const constraints = Object.keys(checked).length;
    return constraints === 0 ? undefined : constraints > 1 ? invalid('Give one constraint.') : checked;
  },
  { rows: structuredMembers },
);

const STRUCTURED = [...GENERATE, 'responses'] as const satisfies readonly BodyKind[];
const INSTEAD = 'structured_outputs';

/** Constraints on the form of the answer in vLLM's own words. */
export const structuredOutput = {
  structured_outputs: { on: STRUCTURED, policy: 'pass', type: structuredCheck },
  structural_tag: { on: CHAT, policy: 'deny', why: COMPILES, instead: INSTEAD },
  guided_json: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_regex: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_choice: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_grammar: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
  guided_decoding_backend: { on: GENERATE, policy: 'deny', why: 'Picks the weakest compiler.', instead: INSTEAD },
  guided_whitespace_pattern: { on: GENERATE, policy: 'deny', why: OLD_NAME, instead: INSTEAD },
} as const satisfies FieldFamily;
