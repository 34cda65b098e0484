import type { Condition } from './condition.ts';
import { EVERY_ROUTE, type PatchFamily } from './patch.ts';
import { chat } from './samples.ts';

const present = (...fields: readonly string[]): readonly Condition[] =>
  fields.map((field) => ({ field, is: 'present' }) as const);

/** Where a schema of a constraint stands, by every name that a release knew. */
const SCHEMAS = [
  ...['guided_json', 'structured_outputs.json', 'response_format.json_schema', 'response_format.schema'],
  ...['text.format.schema', 'output_config.format.schema', 'output_format.schema'],
];
const REGEXES = ['guided_regex', 'structured_outputs.regex', 'sampling_params.structured_outputs.regex'];
/** Where a schema of a tool stands: in chats, in Responses, in Messages. */
const TOOL_SCHEMAS = ['tools[*].function.parameters', 'tools[*].parameters', 'tools[*].input_schema'];
/** The types of JSON Schema 2020-12. */
const TYPES = ['string', 'number', 'integer', 'object', 'boolean', 'array', 'null'];
const BAD_TYPES = TOOL_SCHEMAS.flatMap((schema): readonly Condition[] => [
  { field: `${schema}.**.type`, is: 'text', noneOf: TYPES },
  { field: `${schema}.**.type[*]`, is: 'text', noneOf: TYPES },
  { field: `${schema}.**.pattern`, is: 'text' },
]);

/** Constraints on the form of the answer, and tools. */
export const structuredOutput = [
  {
    id: 'constraint-cache',
    advisories: ['CVE-2025-29770'],
    releases: { fixed: '0.8.0' },
    costs: 'Every constraint on the form of the answer but a plain JSON object.',
    on: EVERY_ROUTE,
    when: {
      any: present(
        ...['guided_decoding_backend', 'guided_regex', 'guided_choice', 'guided_grammar', 'guided_whitespace_pattern'],
        ...SCHEMAS,
      ),
    },
    message: 'Leave the constraint out: each new one stays on the disk of this server.',
    stops: chat({ guided_json: { type: 'object' }, guided_decoding_backend: 'outlines' }),
    passes: chat({ response_format: { type: 'json_object' } }),
  },
  {
    id: 'constraint-schema',
    advisories: ['CVE-2025-48942'],
    releases: { introduced: '0.8.0', fixed: '0.9.0' },
    costs: 'JSON schemas as constraints.',
    on: EVERY_ROUTE,
    when: { any: present(...SCHEMAS) },
    message: 'Leave the schema out: this server fails on a wrong one.',
    stops: chat({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'stringy' } } },
    }),
    passes: chat({ response_format: { type: 'json_object' } }),
  },
  {
    id: 'constraint-regex',
    advisories: ['CVE-2025-48943', 'CVE-2026-55574', 'PYSEC-2026-3933'],
    releases: { fixed: '0.26.0' },
    costs: 'Regular expressions as constraints; a schema or a choice can do most of it.',
    on: EVERY_ROUTE,
    when: { any: present(...REGEXES) },
    message: 'Leave the regular expression out: give a choice or a schema in its place.',
    stops: chat({ structured_outputs: { regex: '((a+)+)+b' } }),
    passes: chat({ structured_outputs: { choice: ['yes', 'no'] } }),
  },
  {
    id: 'tool-schema',
    advisories: ['CVE-2025-48944'],
    releases: { introduced: '0.8.0', fixed: '0.9.0' },
    costs: 'Patterns in schemas of tools.',
    on: EVERY_ROUTE,
    when: { any: BAD_TYPES },
    message: 'Give each parameter a type of JSON Schema, and no pattern.',
    stops: chat({
      tools: [
        {
          type: 'function',
          function: { name: 'f', parameters: { type: 'object', properties: { a: { type: 'something' } } } },
        },
      ],
    }),
    passes: chat({
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            parameters: {
              type: 'object',
              properties: { type: { type: ['string', 'null'] }, pattern: { type: 'string' } },
            },
          },
        },
      ],
    }),
  },
] as const satisfies PatchFamily;
