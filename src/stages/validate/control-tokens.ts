import { LRUCache } from 'lru-cache';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { createControlTokenScanner, tokensFor, type ControlTokenScanner } from '../../vllm/control-tokens/scanner.ts';
import { joinPath, memberPath } from '../../vllm/fields/json-path.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';

/** What happens to control tokens of the model in texts of a caller. */
export type ControlTokenMode = 'deny' | 'neutralise' | 'pass';

/** Members that never become part of a prompt. */
const NOT_PROMPT: ReadonlySet<string> = new Set([
  'model',
  'lora_name',
  'lora_path',
  'cache_salt',
  'user',
  'stop',
  'stop_sequences',
]);
/** Names of models are callers' own; each set of spellings that they lead to costs a scanner. */
const MAX_SCANNERS = 64;

/**
 * Looks for spellings of control tokens in all that a body can put into a prompt: a tokenizer makes real control tokens
 * of them, and with those a text of the user becomes one of the system. Gives the body to send, or why it is refused.
 *
 * @param extra the operator's own spellings
 */
export function createControlTokens(
  mode: ControlTokenMode,
  extra: readonly string[],
): (model: string, body: JsonObject) => JsonObject | Refusal {
  if (mode === 'pass') return (_, body) => body;
  const scanners = new LRUCache<string, ControlTokenScanner>({ max: MAX_SCANNERS });

  function scannerFor(model: string): ControlTokenScanner {
    const tokens = tokensFor(model, extra);
    const id = tokens.join('\n');
    let scanner = scanners.get(id);
    if (scanner === undefined) scanners.set(id, (scanner = createControlTokenScanner(tokens)));
    return scanner;
  }
  const byModel = new LRUCache<string, ControlTokenScanner>({ max: MAX_SCANNERS });

  return (model, body) => {
    let scanner = byModel.get(model);
    if (scanner === undefined) byModel.set(model, (scanner = scannerFor(model)));
    for (const name in body) {
      if (NOT_PROMPT.has(name)) continue;
      const member = body[name];
      if (member === undefined) continue;
      const path =
        mode === 'deny' ? find(member, scanner) : neutralise(member, scanner, (value) => (body[name] = value));
      if (path !== undefined) return refuse(joinPath(name, path));
    }
    return body;
  };
}

const refuse = (path: string): Refusal =>
  new Refusal(
    'prompt_denied',
    path,
    'The text spells a control token of the model. Write it another way, for example with a space inside.',
  );

/** Path of the first text or name with a control token. Recursion is as deep as the parser allows. */
function find(value: JsonValue, scanner: ControlTokenScanner): string | undefined {
  if (typeof value === 'string') return scanner.find(value) === undefined ? undefined : '';
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const path = find(value[i] ?? null, scanner);
      if (path !== undefined) return joinPath(`[${i}]`, path);
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  for (const name in value) {
    // Names of a tool's parameters are written into the prompt, too.
    if (scanner.find(name) !== undefined) return memberPath('', name);
    const path = find(value[name] ?? null, scanner);
    if (path !== undefined) return joinPath(memberPath('', name), path);
  }
  return undefined;
}

/**
 * Breaks the spellings in all texts, in place: the value is the gateway's own copy. A name cannot be broken without
 * becoming another one: gives the path of such a name.
 */
function neutralise(
  value: JsonValue,
  scanner: ControlTokenScanner,
  replace: (value: JsonValue) => void,
): string | undefined {
  if (typeof value === 'string') {
    const broken = scanner.neutralise(value);
    if (broken !== value) replace(broken);
    return undefined;
  }
  if (Array.isArray(value)) {
    const items: JsonValue[] = value;
    for (let i = 0; i < items.length; i++) {
      const path = neutralise(items[i] ?? null, scanner, (item) => (items[i] = item));
      if (path !== undefined) return joinPath(`[${i}]`, path);
    }
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  for (const name in value) {
    if (scanner.find(name) !== undefined) return memberPath('', name);
    const path = neutralise(value[name] ?? null, scanner, (member) => (value[name] = member));
    if (path !== undefined) return joinPath(memberPath('', name), path);
  }
  return undefined;
}
