import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import { PNG, WAV } from '../../src/vllm/fields/testing.fixture.ts';
import type { Dice } from './dice.ts';
import type { Numbers } from './seen.ts';

/** Makes one value; most of what it makes is good. */
export type Make = (dice: Dice, caps: Numbers) => JsonValue;

/** Begins every text of a caller, so that it is known again where it may not be repeated. */
export const MARK = 'ZQ';

/** A whole GIF of one pixel. */
const GIF = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=';
const IMAGES = [PNG, GIF];

const words: Make = (dice) =>
  dice.pick([`${MARK} hello`, `${MARK}é漢字🙂`, `${MARK}${'long '.repeat(dice.int(1, 12))}`, `${MARK}\n<b>[1]`, MARK]);
const label: Make = (dice) => `${MARK}_${dice.int(0, 3)}`;
const flag: Make = (dice) => dice.chance(0.5);
const between =
  (min: number, max: number): Make =>
  (dice) =>
    dice.pick([min, max, dice.int(Math.ceil(min), Math.floor(max)), (min + max) / 2]);
const whole =
  (min: number, max: number): Make =>
  (dice) =>
    dice.chance(0.3) ? min : dice.int(min, max);
const upTo =
  (min: number, cap: string): Make =>
  (dice, caps) =>
    dice.chance(0.3) ? Math.min(caps[cap] ?? min, 1e6) : dice.int(min, Math.max(min, Math.min(caps[cap] ?? min, 9)));
const oneOf = (...options: readonly JsonValue[]): Make => {
  const texts = options.map((option) => JSON.stringify(option));
  const isScalar = options.every((option) => typeof option !== 'object');
  return (dice) => (isScalar ? dice.pick(options) : (JSON.parse(dice.pick(texts)) as JsonValue)); // as it was written
};
const any =
  (...makes: readonly Make[]): Make =>
  (dice, caps) =>
    dice.pick(makes)(dice, caps);
const many =
  (make: Make, cap: number | string): Make =>
  (dice, caps) => {
    const most = typeof cap === 'number' ? cap : (caps[cap] ?? 1);
    return Array.from({ length: dice.int(1, Math.max(1, Math.min(most, 3))) }, () => make(dice, caps));
  };
/** An object: of members whose names end in `?` there are three, so that not every body has one of the closed ones. */
const some = (members: Readonly<Record<string, Make>>): Make => {
  const always = Object.entries(members).filter(([name]) => !name.endsWith('?'));
  const optional = Object.entries(members).flatMap(([name, make]) =>
    name.endsWith('?') ? [[name.slice(0, -1), make] as const] : [],
  );
  return (dice, caps) => {
    const made: JsonObject = {};
    for (const [name, make] of always) made[name] = make(dice, caps);
    if (optional.length === 0) return made;
    for (let more = dice.int(0, Math.min(3, optional.length)); more > 0; more--) {
      const [name, make] = dice.pick(optional);
      made[name] = make(dice, caps);
    }
    return made;
  };
};
const is = (value: JsonValue): Make => oneOf(value);

const leaf = oneOf(
  { type: 'string', maxLength: 1000 },
  { type: ['integer', 'null'], minimum: 0, maximum: 10 },
  { enum: ['a', 'b', 3] },
  { type: 'string', pattern: '^[a-z]{1,8}$' },
  { const: `${MARK}x` },
  { type: 'boolean', description: `${MARK} words`, default: true },
  { type: 'array', items: { type: 'string' }, maxItems: 1000 },
);
const above = (inner: Make): Make =>
  any(
    leaf,
    some({ type: is('object'), properties: some({ a: inner, 'b?': inner }), 'additionalProperties?': is(false) }),
    some({ type: is('array'), items: inner, 'minItems?': whole(0, 1000) }),
    some({ anyOf: many(inner, 2) }),
    some({ $defs: some({ node: inner }), $ref: is('#/$defs/node') }),
  );
const schemas = above(above(leaf));

const ignored = { 'cache_control?': is({ type: 'ephemeral' }) };
const image: Make = (dice) => dice.pick(IMAGES);
const imagePart = some({
  type: is('image_url'),
  image_url: any(some({ url: image, 'detail?': oneOf('auto', 'low', 'high') }), image),
  'uuid?': label,
  ...ignored,
});
const textPart = some({ type: is('text'), text: words, ...ignored });
const audioPart = some({ type: is('input_audio'), input_audio: is({ data: WAV, format: 'wav' }) });
const parts = any(
  textPart,
  textPart,
  textPart,
  imagePart,
  audioPart,
  some({ type: is('refusal'), refusal: words }),
  some({ type: is('thinking'), thinking: words, 'signature?': words }),
);
const content = any(words, words, many(parts, 3));
/** Deeper than vLLM's parser may be led. */
const DEEP = '['.repeat(65) + ']'.repeat(65);
const call = some({
  id: label,
  type: is('function'),
  function: some({
    name: label,
    arguments: oneOf('{}', '{}', '{"a":"b\\u0020c"}', '['.repeat(64) + ']'.repeat(64), DEEP),
  }),
  'index?': whole(0, 3),
});
const message = any(
  some({ role: oneOf('user', 'system', 'developer'), content, 'name?': label }),
  some({ role: is('user'), content }),
  some({ role: is('assistant'), content, 'tool_calls?': many(call, 2), 'reasoning?': words, 'refusal?': is(null) }),
  some({ role: is('assistant'), tool_calls: many(call, 2) }),
  some({ role: is('assistant'), content: is(null), 'refusal?': words }),
  some({ role: is('tool'), tool_call_id: label, content }),
);
const tool = any(
  some({
    type: is('function'),
    function: some({ name: label, 'description?': words, parameters: schemas, 'strict?': flag }),
  }),
  is({ type: 'function', function: { name: `${MARK}_1`, parameters: { type: 'object' } } }),
  is({ type: 'web_search' }),
);
const choice = any(oneOf('auto', 'none', 'required'), some({ type: is('function'), function: some({ name: label }) }));
const variables = some({ 'enable_thinking?': flag, 'thinking?': flag, 'reasoning_effort?': is('low') });
const format = any(
  is({ type: 'text' }),
  is({ type: 'json_object' }),
  some({ type: is('json_schema'), json_schema: some({ name: label, schema: schemas, 'strict?': flag }) }),
);
const structured = any(
  some({ json: schemas }),
  some({ json_object: is(true) }),
  some({ choice: many(label, 3) }),
  some({ regex: oneOf('[a-z]{1,8}', 'a|b') }),
  some({ grammar: is(`root ::= "${MARK}"`) }),
);
const ids = many(whole(0, 2_000_000), 3);

const sampled = { 'temperature?': between(0, 2), 'top_p?': oneOf(0.1, 1, 1e-7), 'top_k?': whole(-1, 100) };
const generated = {
  ...sampled,
  'user?': label,
  'min_p?': between(0, 1),
  'presence_penalty?': between(-2, 2),
  'frequency_penalty?': between(-2, 2),
  'repetition_penalty?': between(0.5, 2),
  'seed?': oneOf(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  'stop?': any(label, many(label, 'stop'), is([])),
  'logit_bias?': oneOf({ 17: 100, 2000000: -100 }, {}, { 5: 0.5 }),
  'include_stop_str_in_output?': flag,
  'structured_outputs?': structured,
  'ignore_eos?': oneOf(true, false, false),
  'stop_token_ids?': any(ids, is([])),
  'cache_salt?': label,
  'priority?': oneOf(0, null),
  'metadata?': is({ a: `${MARK}m` }),
};
const openai = {
  ...generated,
  'max_tokens?': any(upTo(1, 'outputTokens'), whole(1, 100_000)),
  'response_format?': format,
  'min_tokens?': any(is(0), upTo(0, 'outputTokens')),
  'use_beam_search?': oneOf(false, false, true),
  'length_penalty?': oneOf(1, 1, 2),
  'best_of?': oneOf(null, 1),
};
const streamed = {
  'stream?': oneOf(true, true, false),
  'stream_options?': is({ include_usage: true }),
};
const chat = {
  ...openai,
  'max_completion_tokens?': upTo(1, 'outputTokens'),
  'chat_template_kwargs?': variables,
  'add_generation_prompt?': flag,
  'continue_final_message?': oneOf(false, false, true),
  'include_reasoning?': flag,
  'prompt_logprobs?': is(null),
};
const responsesText = some({ type: is('input_text'), text: words });
const responsesImage = some({ type: is('input_image'), image_url: image, 'detail?': is('original') });
const heard = any(words, many(any(responsesText, responsesText, responsesImage), 3));
const outputs = many(some({ type: is('output_text'), text: words, 'annotations?': is([]), 'logprobs?': is([]) }), 2);
const item = any(
  some({ 'type?': is('message'), role: oneOf('user', 'system', 'developer'), content: heard }),
  some({ type: is('message'), role: is('assistant'), content: outputs, 'status?': oneOf('in_progress', 'completed') }),
  some({ type: is('function_call'), call_id: label, name: label, arguments: is('{}'), 'id?': label }),
  some({ type: is('function_call_output'), call_id: label, output: heard }),
  some({ type: is('reasoning'), 'summary?': is([]), 'content?': is([{ type: 'reasoning_text', text: MARK }]) }),
  some({ type: is('reasoning'), encrypted_content: words, summary: is([]) }),
);
const responsesTool = any(
  some({ type: is('function'), name: label, 'description?': words, parameters: schemas }),
  is({ type: 'mcp', server_url: 'http://a.example' }),
  is({ type: 'function', name: `${MARK}_1`, parameters: { type: 'object' } }),
);

const anthropicText = some({ type: is('text'), text: words, ...ignored, 'citations?': is(null) });
const anthropicImage = some({
  type: is('image'),
  source: any(
    is({ type: 'base64', media_type: 'image/png', data: PNG.slice(PNG.indexOf(',') + 1) }),
    some({ type: is('url'), url: image }),
  ),
});
const userBlocks = many(
  any(
    anthropicText,
    anthropicText,
    anthropicImage,
    some({
      type: is('tool_result'),
      tool_use_id: label,
      'content?': any(words, many(any(anthropicText, anthropicImage), 2)),
      'is_error?': flag,
    }),
  ),
  3,
);
const assistantBlocks = many(
  any(
    anthropicText,
    some({ type: is('tool_use'), id: label, name: label, input: oneOf({}, { a: [MARK] }) }),
    some({ type: is('thinking'), thinking: words, 'signature?': words }),
    is({ type: 'redacted_thinking', data: MARK }),
  ),
  3,
);
const anthropicMessage = any(
  some({ role: is('user'), content: any(words, userBlocks) }),
  some({ role: is('user'), content: any(words, userBlocks) }),
  some({ role: is('assistant'), content: any(words, assistantBlocks) }),
  some({ role: is('system'), content: any(words, many(anthropicText, 2)) }),
);
const anthropicTool = any(
  some({ name: label, 'description?': words, input_schema: schemas, 'type?': is('custom') }),
  is({ name: `${MARK}_1`, input_schema: { type: 'object' } }),
  is({ type: 'bash_20250124', name: 'bash' }),
);
const counted = {
  messages: many(anthropicMessage, 'messages'),
  'system?': any(words, many(anthropicText, 3)),
  'tools?': many(anthropicTool, 'tools'),
  'tool_choice?': any(
    oneOf({ type: 'auto' }, { type: 'any' }, { type: 'none' }),
    some({ type: is('tool'), name: label }),
  ),
  'thinking?': oneOf({ type: 'enabled', budget_tokens: 1024 }, { type: 'disabled' }, { type: 'adaptive' }),
  'output_config?': some({ 'effort?': is('low'), 'format?': some({ type: is('json_schema'), schema: schemas }) }),
  'metadata?': is({ user_id: MARK }),
};

const pooled = {
  input: any(words, many(words, 'inputList')),
  'user?': label,
  'chat_template_kwargs?': variables,
  'use_activation?': flag,
  'cache_salt?': label,
  'add_special_tokens?': is(true),
  'truncate_prompt_tokens?': is(null),
};
const vectors = { 'encoding_format?': oneOf('float', 'base64'), 'dimensions?': whole(1, 1_000_000) };
const scored = any(words, some({ text: words }), some({ content: many(any(textPart, imagePart), 'documents') }));
const side = any(scored, many(scored, 'documents'));
const compared = {
  'instruction?': words,
  'max_tokens_per_doc?': whole(0, 1_000_000),
  'use_activation?': flag,
  'cache_salt?': label,
  'user?': label,
};

const BODIES: Readonly<Record<string, Make>> = {
  chat: some({
    ...chat,
    ...streamed,
    messages: many(message, 'messages'),
    'n?': upTo(1, 'n'),
    'top_logprobs?': upTo(0, 'topLogprobs'),
    'logprobs?': is(true),
    'documents?': many(some({ title: words, text: words }), 'documents'),
    'tools?': many(tool, 'tools'),
    'tool_choice?': choice,
    'parallel_tool_calls?': flag,
    'reasoning_effort?': is('high'),
    'store?': flag,
  }),
  'chat-batch': some({ ...chat, messages: many(many(message, 'messages'), 'conversations'), 'n?': is(1) }),
  completions: some({
    ...openai,
    ...streamed,
    prompt: any(words, many(words, 'promptList'), ids, many(ids, 'promptList')),
    'n?': upTo(1, 'n'),
    'logprobs?': upTo(0, 'topLogprobs'),
    'echo?': is(false),
  }),
  responses: some({
    ...generated,
    input: any(words, many(item, 'messages')),
    'instructions?': words,
    'max_output_tokens?': upTo(1, 'outputTokens'),
    'store?': flag,
    'stream?': flag,
    'tools?': many(responsesTool, 'tools'),
    'tool_choice?': any(oneOf('auto', 'none', 'required'), some({ type: is('function'), name: label })),
    'include?': is(['message.output_text.logprobs', 'reasoning.encrypted_content']),
    'top_logprobs?': upTo(0, 'topLogprobs'),
    'text?': some({
      'format?': any(is({ type: 'json_object' }), some({ type: is('json_schema'), name: label, schema: schemas })),
    }),
    'reasoning?': is({ effort: 'low', summary: 'auto' }),
    'truncation?': is('auto'),
    'background?': is(false),
    'previous_response_id?': is(null),
  }),
  messages: some({
    ...counted,
    ...sampled,
    max_tokens: any(upTo(1, 'outputTokens'), whole(1, 100_000)),
    'stop_sequences?': any(many(label, 'stop'), is([])),
    'stream?': flag,
    'cache_salt?': label,
  }),
  'count-tokens': some(counted),
  embeddings: some({ ...pooled, ...vectors }),
  pooling: some({ ...pooled, ...vectors, 'task?': oneOf('embed', 'classify', 'plugin') }),
  classify: some(pooled),
  'cohere-embed': any(
    some({ texts: many(words, 'inputList'), 'input_type?': label, 'truncate?': is('END') }),
    some({ images: many(image, 'images'), 'embedding_types?': is(['float', 'base64']) }),
    some({
      inputs: many(some({ content: many(any(textPart, imagePart), 2) }), 'inputList'),
      'output_dimension?': whole(1, 1_000_000),
    }),
  ),
  score: any(
    some({ ...compared, queries: scored, documents: side }),
    some({ ...compared, text_1: scored, text_2: side }),
    some({ ...compared, data_1: scored, data_2: side }),
    some({ ...compared, queries: scored, items: side }),
  ),
  rerank: some({ ...compared, query: scored, documents: side, 'top_n?': whole(0, 9), 'return_documents?': flag }),
  tokenize: any(
    some({ prompt: words, 'add_special_tokens?': flag }),
    some({
      messages: many(message, 'messages'),
      'tools?': many(tool, 'tools'),
      'add_generation_prompt?': flag,
      'chat_template_kwargs?': variables,
    }),
  ),
  detokenize: some({ tokens: ids }),
  'load-lora': some({
    lora_name: any(label, label, label, oneOf('*', '../../x')),
    lora_path: oneOf('/adapters/a', 'org/adapter', '/adapters'),
    'is_3d_lora_weight?': flag,
    'load_inplace?': is(false),
  }),
};

/** Kinds of bodies that the fuzz makes. */
export const KINDS: readonly string[] = Object.keys(BODIES);

/** A body that is good for most callers, written from a grammar of its kind. */
export function goodBody(kind: string, dice: Dice, caps: Numbers): JsonObject {
  const body = BODIES[kind]?.(dice, caps) as JsonObject; // every grammar is of an object
  return kind === 'load-lora' ? body : { model: `${MARK}model`, ...body };
}
