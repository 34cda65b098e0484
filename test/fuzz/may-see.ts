import { Buffer } from 'node:buffer';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/kernel/json.ts';
import {
  anything,
  bool,
  fault,
  forms,
  granted,
  image,
  int,
  list,
  num,
  object,
  pattern,
  schema,
  storing,
  text,
  textOr,
  word,
  type Look,
  type Watch,
} from './seen.ts';

// What vLLM may see, written down a second time and from the specification alone: nothing here knows the gateway's own
// rows. Where the specification names a field `strip` or `deny`, it is simply not in these lists.

const name = text(1, 256);
const SAFE = Number.MAX_SAFE_INTEGER;
const choiceWord = word('none', 'auto', 'required');

/** Made of the tenant by a secret: 256 bits that no caller can have guessed. */
const bound: Look = (value, at, watch) => {
  if (!/^[A-Za-z0-9_-]{43}$/.test(String(value))) fault(watch, at, 'is not bound to the tenant');
};

const imageObject = object({ 'url!': image, detail: word('auto', 'low', 'high') });
const audioData: Look = (value, at, watch) => {
  object({ 'data!': text(1), 'format!': text(1) })(value, at, watch);
  if (++watch.audios.count > (watch.caps['audios'] ?? 0)) fault(watch, at, 'audios');
};
const part = forms('type', {
  text: object({ 'type!': anything, 'text!': text() }),
  image_url: object({ 'type!': anything, 'image_url!': textOr(image, imageObject), uuid: bound }),
  input_audio: object({
    'type!': anything,
    'input_audio!': granted('fields:media-audio', audioData),
    uuid: bound,
  }),
  refusal: object({ 'type!': anything, 'refusal!': text() }),
  thinking: object({ 'type!': anything, 'thinking!': text() }),
});
/** JSON that vLLM parses, as deep as a body may be. */
const json: Look = (value, at, watch) => {
  text()(value, at, watch);
  try {
    if (depthOf(JSON.parse(String(value)) as JsonValue) > 64) fault(watch, at, 'depth'); // what was parsed is JSON
  } catch {
    return;
  }
};
const depthOf = (value: JsonValue): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));
const call = object({
  id: name,
  type: word('function'),
  'function!': object({ 'name!': name, 'arguments!': json }),
});
const chatMessage = object({
  'role!': word('system', 'developer', 'user', 'assistant', 'tool'),
  content: textOr(text(), list(part, 4096)),
  name,
  tool_call_id: name,
  tool_calls: list(call, 256),
  reasoning: text(),
  reasoning_content: text(),
});
const chatTools = list(
  object({
    'type!': word('function'),
    'function!': object({ 'name!': name, description: text(), parameters: schema('read'), strict: bool }),
  }),
  'tools',
);
const namedChoice = object({ 'type!': word('function'), 'function!': object({ 'name!': name }) });

const templateVariables = object({
  enable_thinking: bool,
  thinking: bool,
  preserve_thinking: bool,
  reasoning_effort: text(1, 32),
});
const tokenIds = (most: number): Look => list(int(0, 2_000_000), most);
const biases: Look = (value, at, watch) => {
  if (!isJsonObject(value) || Object.keys(value).length > 300) return fault(watch, at, 'biases');
  for (const [id, bias] of Object.entries(value)) {
    if (!/^\d{1,7}$/.test(id)) fault(watch, at, 'token id');
    num(-100, 100)(bias, `${at}.${id}`, watch);
  }
};
const structured = object({
  json: schema('compiled'),
  json_object: bool,
  choice: list(name, 100),
  regex: granted('fields:structured-output', (value, at, watch) => pattern(value, at, true, watch)),
  grammar: granted('fields:structured-output', text(1, 16_384)),
  structural_tag: granted('fields:structured-output', text(1, 16_384)),
});
const responseFormat = forms('type', {
  json_object: object({ 'type!': anything }),
  json_schema: object({
    'type!': anything,
    'json_schema!': object({
      'name!': name,
      description: text(0, 8192),
      'schema!': schema('compiled'),
      strict: bool,
    }),
  }),
});
const stops = textOr(text(1, 1024), list(text(1, 1024), 'stop'));

const shared = { 'model!': name, user: text(0, 512), cache_salt: bound };
const sampled = {
  temperature: num(0, 2),
  top_p: num(1e-7, 1),
  top_k: int(-1, 1_000_000),
};
const generated = {
  ...sampled,
  min_p: num(0, 1),
  presence_penalty: num(-2, 2),
  frequency_penalty: num(-2, 2),
  repetition_penalty: num(0.5, 2),
  seed: int(-SAFE, SAFE),
  stop: stops,
  logit_bias: biases,
  include_stop_str_in_output: bool,
  structured_outputs: structured,
  ignore_eos: granted('fields:benchmark', bool),
  stop_token_ids: granted('fields:token-ids', tokenIds(16)),
};
const openai = {
  ...shared,
  ...generated,
  max_tokens: int(1, 'outputTokens'),
  response_format: responseFormat,
  min_tokens: granted('fields:benchmark', int(0, 'outputTokens')),
  thinking_token_budget: granted('fields:benchmark', int(-1, 'outputTokens')),
  use_beam_search: granted('fields:beam-search', bool),
  length_penalty: granted('fields:beam-search', num(-10, 10)),
};
const streamed = {
  stream: bool,
  stream_options: object({ 'include_usage!': word(true), 'continuous_usage_stats!': word(true) }),
};
const chat = {
  ...openai,
  max_completion_tokens: int(1, 'outputTokens'),
  top_logprobs: int(0, 'topLogprobs'),
  logprobs: bool,
  include_reasoning: bool,
  chat_template_kwargs: templateVariables,
  add_generation_prompt: bool,
  continue_final_message: granted('fields:prefill', bool),
};

const responsesText = object({ 'type!': word('input_text'), 'text!': text() });
const responsesImage = object({
  'type!': anything,
  'image_url!': image,
  detail: word('auto', 'low', 'high', 'original'),
});
const responsesPart = forms('type', {
  input_text: responsesText,
  input_image: responsesImage,
  output_text: object({ 'type!': anything, 'text!': text(), 'annotations!': list(anything, 0, 0) }),
  refusal: object({ 'type!': anything, 'refusal!': text() }),
});
const status: Look = (value, at, watch) => {
  word('in_progress', 'completed', 'incomplete')(value, at, watch);
  if (value !== 'completed' && !watch.grants.has('fields:prefill')) fault(watch, at, 'prefill');
};
const item = { type: anything, id: name, status };
const spoken = (kind: string): Look => list(object({ 'type!': word(kind), 'text!': text() }), 256);
const responsesMessage = object({
  ...item,
  'role!': word('user', 'assistant', 'system', 'developer'),
  'content!': textOr(text(), list(responsesPart, 4096)),
});
const typedItem = forms('type', {
  message: responsesMessage,
  function_call: object({ ...item, 'call_id!': name, 'name!': name, 'arguments!': json }),
  function_call_output: object({
    ...item,
    'call_id!': name,
    'output!': textOr(text(), list(forms('type', { input_text: responsesText, input_image: responsesImage }), 4096)),
  }),
  reasoning: object({
    ...item,
    'summary!': (value, at, watch) =>
      Array.isArray(value) && value.length === 0 ? undefined : spoken('summary_text')(value, at, watch),
    content: spoken('reasoning_text'),
  }),
});
const responsesItem: Look = (value, at, watch) =>
  (isJsonObject(value) && value['type'] === undefined ? responsesMessage : typedItem)(value, at, watch);

const anthropicText = object({ 'type!': word('text'), 'text!': text() });
const source: Look = (value, at, watch) => {
  if (!isJsonObject(value) || value['type'] !== 'base64') {
    return object({ 'type!': word('url'), 'url!': image })(value, at, watch);
  }
  object({ 'type!': anything, 'media_type!': anything, 'data!': text(1) })(value, at, watch);
  // vLLM makes this URL of it.
  image(`data:${String(value['media_type'])};base64,${String(value['data'])}`, at, watch);
};
const anthropicImage = object({ 'type!': anything, 'source!': source });
const blocks = (byKind: Readonly<Record<string, Look>>): Look => textOr(text(), list(forms('type', byKind), 4096));
const anthropicMessage = forms('role', {
  user: object({
    'role!': anything,
    'content!': blocks({
      text: anthropicText,
      image: anthropicImage,
      tool_result: object({
        'type!': anything,
        'tool_use_id!': name,
        content: blocks({ text: anthropicText, image: anthropicImage }),
        is_error: bool,
      }),
    }),
  }),
  assistant: object({
    'role!': anything,
    'content!': blocks({
      text: anthropicText,
      tool_use: object({ 'type!': anything, 'id!': name, 'name!': name, 'input!': isObject }),
      thinking: object({ 'type!': anything, 'thinking!': text() }),
    }),
  }),
  system: object({ 'role!': anything, 'content!': text(1) }),
});
function isObject(value: JsonValue, at: string, watch: Watch): void {
  if (!isJsonObject(value)) fault(watch, at, 'object');
}
const apart = { disable_parallel_tool_use: bool };
const counted = {
  'model!': name,
  'messages!': list(anthropicMessage, 'messages'),
  system: text(),
  tools: list(object({ 'name!': name, description: text(), 'input_schema!': schema('read'), strict: bool }), 'tools'),
  tool_choice: forms('type', {
    auto: object({ 'type!': anything, ...apart }),
    any: object({ 'type!': anything, ...apart }),
    none: object({ 'type!': anything, ...apart }),
    tool: object({ 'type!': anything, 'name!': name, ...apart }),
  }),
  thinking: forms('type', {
    enabled: object({
      'type!': anything,
      'budget_tokens!': int(1024, SAFE),
      display: word('summarized', 'omitted', 'updates'),
    }),
    adaptive: object({ 'type!': anything, display: word('summarized', 'omitted', 'updates') }),
    disabled: object({ 'type!': anything }),
  }),
  output_config: object({
    effort: word('low', 'medium', 'high', 'xhigh', 'max'),
    format: object({ 'type!': word('json_schema'), 'schema!': schema('compiled') }),
  }),
  chat_template_kwargs: templateVariables,
};

const scoredPart = forms('type', {
  text: object({ 'type!': anything, 'text!': text() }),
  image_url: object({ 'type!': anything, 'image_url!': textOr(image, imageObject), uuid: bound }),
});
const scored = textOr(text(), object({ 'content!': list(scoredPart, 'documents') }));
const side: Look = (value, at, watch) => (Array.isArray(value) ? list(scored, 'documents') : scored)(value, at, watch);
const compared = {
  ...shared,
  chat_template_kwargs: templateVariables,
  instruction: text(0, 8192),
  max_tokens_per_doc: int(0, 1_000_000),
  max_tokens_per_query: int(0, 1_000_000),
  use_activation: bool,
};
/** Texts are open; lists of token ids and lists of such lists by a grant. */
const textsOrIds =
  (most: string): Look =>
  (value, at, watch) => {
    if (!Array.isArray(value)) return text()(value, at, watch);
    const hasIds = value.some((one) => typeof one !== 'string');
    if (!hasIds) return list(text(), most)(value, at, watch);
    const isFlat = typeof value[0] === 'number';
    granted('fields:token-ids', isFlat ? tokenIds(131_072) : list(tokenIds(131_072), most))(value, at, watch);
  };
const prompt = textsOrIds('promptList');
const pooled = {
  ...shared,
  'input!': textsOrIds('inputList'),
  chat_template_kwargs: templateVariables,
  continue_final_message: granted('fields:prefill', bool),
  use_activation: bool,
};
const vectors = { encoding_format: word('float', 'base64'), dimensions: int(1, 1_000_000) };

/** Nothing that grants or paths read as something else. */
const loraName: Look = (value, at, watch) => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_:@+./-]{0,255}$/.test(String(value))) fault(watch, at, 'name');
  if (/[./]{2}|[./]$/.test(String(value))) fault(watch, at, 'detour');
};

/** Below a listed path, in the one spelling that needs no resolving, or a listed name. */
const loraPath: Look = (value, at, watch) => {
  const isBelow = /^\/adapters\/[A-Za-z0-9._+@=,-]+(\/[A-Za-z0-9._+@=,-]+)*$/.test(String(value));
  const isDetour = String(value)
    .split('/')
    .some((segment) => segment === '.' || segment === '..');
  if (value !== '/adapters' && value !== 'org/adapter' && (!isBelow || isDetour)) fault(watch, at, 'place');
};

const BODIES: Readonly<Record<string, Look>> = {
  chat: object({
    ...chat,
    ...streamed,
    'messages!': list(chatMessage, 'messages'),
    n: int(1, 'n'),
    reasoning_effort: word('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
    documents: list(documentOf, 'documents'),
    tools: chatTools,
    tool_choice: textOr(choiceWord, namedChoice),
    parallel_tool_calls: bool,
  }),
  'chat-batch': object({
    ...chat,
    early_stopping: granted('fields:beam-search', bool),
    n: word(1),
    'messages!': list(list(chatMessage, 'messages'), 'conversations'),
  }),
  completions: object({ ...openai, ...streamed, 'prompt!': prompt, n: int(1, 'n'), logprobs: int(0, 'topLogprobs') }),
  responses: object({
    ...shared,
    ...generated,
    'input!': textOr(text(), list(responsesItem, 'messages')),
    'store!': storing(bool, word(false)),
    background: storing(word(true)),
    // Upstream's own id, and only where the caller's leads there.
    previous_response_id: storing(word('resp_own')),
    stream: bool,
    instructions: text(),
    max_output_tokens: int(1, 'outputTokens'),
    include_reasoning: bool,
    top_logprobs: int(1, 'topLogprobs'),
    include: list(word('message.output_text.logprobs'), 16),
    chat_template_kwargs: templateVariables,
    tools: list(
      object({
        'type!': word('function'),
        'name!': name,
        description: text(),
        parameters: schema('read'),
        strict: bool,
      }),
      'tools',
    ),
    tool_choice: textOr(choiceWord, object({ 'type!': word('function'), 'name!': name })),
    parallel_tool_calls: bool,
    text: object({
      'format!': forms('type', {
        json_object: object({ 'type!': anything }),
        json_schema: object({
          'type!': anything,
          'name!': name,
          description: text(0, 8192),
          'schema!': schema('compiled'),
          strict: bool,
        }),
      }),
    }),
    reasoning: object({ 'effort!': word('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max') }),
  }),
  messages: object({
    ...counted,
    ...sampled,
    'max_tokens!': int(1, 'outputTokens'),
    stop_sequences: list(text(1, 1024), 'stop'),
    stream: bool,
    cache_salt: bound,
  }),
  'count-tokens': object(counted),
  embeddings: object({ ...pooled, ...vectors }),
  pooling: object({
    ...pooled,
    ...vectors,
    task: word('embed', 'classify', 'score', 'token_embed', 'token_classify', 'embed&token_classify'),
  }),
  classify: object(pooled),
  'cohere-embed': object({
    'model!': name,
    texts: list(text(), 'inputList'),
    images: list(image, 'images'),
    inputs: list(
      object({
        'content!': list(
          forms('type', {
            text: object({ 'type!': anything, 'text!': text() }),
            image_url: object({ 'type!': anything, 'image_url!': imageObject }),
          }),
          'inputList',
        ),
      }),
      'inputList',
    ),
    input_type: text(1, 64),
    embedding_types: list(word('float', 'binary', 'ubinary', 'base64'), 4),
    output_dimension: int(1, 1_000_000),
    max_tokens: int(1, 1_000_000),
    truncate: word('NONE', 'START', 'END'),
  }),
  score: object({
    ...compared,
    queries: side,
    documents: side,
    items: side,
    text_1: side,
    text_2: side,
    data_1: side,
    data_2: side,
  }),
  rerank: object({ ...compared, 'query!': scored, 'documents!': side, top_n: int(0, 1_000_000) }),
  tokenize: object({
    'model!': name,
    prompt: text(),
    messages: list(chatMessage, 'messages'),
    tools: chatTools,
    add_generation_prompt: bool,
    add_special_tokens: bool,
    chat_template_kwargs: templateVariables,
    continue_final_message: granted('fields:prefill', bool),
  }),
  detokenize: object({ 'model!': name, 'tokens!': tokenIds(131_072) }),
  'load-lora': object({ 'lora_name!': loraName, 'lora_path!': loraPath, is_3d_lora_weight: bool }),
};
function documentOf(value: JsonValue, at: string, watch: Watch): void {
  if (!isJsonObject(value)) return fault(watch, at, 'document');
  for (const one of Object.values(value)) text()(one, at, watch);
}

/** Kinds whose answers come from a prefix cache. */
const CACHED = new Set(
  'chat chat-batch completions responses messages embeddings pooling classify score rerank'.split(' '),
);
/** Kinds that write to the end of the context where nobody says how much. */
const ENDLESS: Readonly<Record<string, readonly string[]>> = {
  chat: ['max_tokens', 'max_completion_tokens'],
  'chat-batch': ['max_tokens', 'max_completion_tokens'],
  responses: ['max_output_tokens'],
};

/** What is wrong with a body that would be sent, as vLLM's operator sees it; nothing where all is well. */
export function faultsOf(kind: string, body: JsonObject, watch: Watch): readonly string[] {
  BODIES[kind]?.(body, '', watch);
  if (body['background'] === true && body['store'] !== true) fault(watch, 'background', 'could never be read');
  if (CACHED.has(kind) !== (body['cache_salt'] !== undefined) && watch.isSalted) fault(watch, 'cache_salt', 'missing');
  if (
    (kind === 'chat' || kind === 'completions') &&
    (body['stream'] === true) !== Object.hasOwn(body, 'stream_options')
  )
    fault(watch, 'stream_options', 'usage is not asked for');
  const lengths = Object.keys(body).filter((one) => /^max_(completion_|output_)?tokens$/.test(one));
  if (lengths.length > 1) fault(watch, 'max_tokens', 'two lengths');
  const most = Math.min(watch.caps['outputTokens'] ?? 0, watch.contextTokens ?? Infinity);
  if (ENDLESS[kind] !== undefined && lengths.length === 0 && most < Infinity) fault(watch, 'max_tokens', 'no length');
  for (const one of kind === 'cohere-embed' ? [] : lengths) int(1, most)(body[one] ?? null, one, watch);
  const textBytes = Math.min(watch.caps['textBytes'] ?? 0, kind === 'tokenize' ? 65_536 : Infinity);
  const said = Buffer.byteLength(textsOf(body).join('')) - Math.floor(watch.images.bytes * (4 / 3)) + namesIn(body);
  // The salt, keys of media and line feeds are the gateway's own; audio is no text.
  const ours = 256 + 48 * watch.images.count + 160 * watch.audios.count;
  if (said > textBytes + ours) fault(watch, '', 'text');
  const toolBytes = Buffer.byteLength(JSON.stringify(body['tools'] ?? []));
  if (toolBytes > (watch.caps['toolBytes'] ?? 0) + 8 * watch.grown) fault(watch, 'tools', 'bytes');
  return watch.faults;
}

function textsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Bytes of the names that a caller gave to what stands in the prompt as JSON. */
function namesIn(value: JsonValue, isFree = false): number {
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const [name, member] of Object.entries(value)) {
    if (isFree && !Array.isArray(value)) bytes += Buffer.byteLength(name);
    bytes += namesIn(member, isFree || ((name === 'input' || name === 'parameters') && isJsonObject(member)));
  }
  return bytes;
}

/** Spellings of control tokens that count for every model, whoever trained it. */
export const SPELLINGS = [
  '<|im_start|>',
  '<|im_end|>',
  '<|end|>',
  '<|system|>',
  '<|start_header_id|>',
  '<|eot_id|>',
  '[TOOL_CALLS]',
  '<start_of_turn>',
  '<|endoftext|>',
  '<|reserved_special_token_7|>',
] as const;
const NOT_OF_THE_PROMPT = new Set(['model', 'user', 'stop', 'stop_sequences', 'lora_name', 'lora_path', 'cache_salt']);

/** The first place in a body at which a prompt would have a control token; undefined where there is none. */
export function spelledAt(body: JsonObject): string | undefined {
  for (const [member, value] of Object.entries(body)) {
    const at = NOT_OF_THE_PROMPT.has(member) ? undefined : spelledIn(value, member);
    if (at !== undefined) return at;
  }
  return undefined;
}

const isSpelled = (one: string): boolean => /[<[]/.test(one) && SPELLINGS.some((spelling) => one.includes(spelling));

function spelledIn(value: JsonValue, at: string): string | undefined {
  if (typeof value === 'string') return isSpelled(value) || isSpelledInside(value, at) ? at : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  // A template writes parts one behind the other.
  if (Array.isArray(value) && isSpelled(value.map(textOfPart).join(''))) return `${at}[]`;
  for (const [member, inner] of Object.entries(value)) {
    if (isSpelled(member)) return `${at}.${member}`;
    const found = spelledIn(inner, `${at}.${member}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function textOfPart(value: JsonValue): string {
  if (!isJsonObject(value)) return '';
  const said = value['text'] ?? value['refusal'] ?? value['thinking'];
  return typeof said === 'string' ? said : '';
}

/** Arguments of a call are JSON, which vLLM reads. */
function isSpelledInside(value: string, at: string): boolean {
  if (!at.endsWith('.arguments') || !value.includes('\\')) return false;
  try {
    return textsOf(JSON.parse(value) as JsonValue).some(isSpelled); // what was parsed is a JSON value
  } catch {
    return false;
  }
}
