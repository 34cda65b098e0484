import { LRUCache } from 'lru-cache';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { memberOfPart, selectionsIn, textOfPart, type PartText } from '../../vllm/control-tokens/part-texts.ts';
import { createControlTokenScanner, tokensFor, type ControlTokenScanner } from '../../vllm/control-tokens/scanner.ts';
import { unescaped } from '../../vllm/control-tokens/unescaped.ts';
import { indexPath, joinPath, memberPath } from '../../wire/json-path.ts';
import { nameOf, placeOf } from '../../vllm/fields/kept-places.ts';
import { Refusal } from '../../vllm/fields/refusal.ts';

/** What happens to control tokens of the model in texts of a caller. */
export type ControlTokenMode = 'deny' | 'neutralise' | 'pass';

/** Members that never become part of a prompt. */
const NOT_PROMPT: ReadonlySet<string> = new Set([
  'model',
  'lora_name',
  'lora_path',
  'previous_response_id',
  'cache_salt',
  'user',
  'stop',
  'stop_sequences',
]);
/** Whether the template of a model takes `/think` and `/no_think`, by which callers switch its thinking, out of texts. */
const TAKES_SWITCHES_OUT = /nemotron/i;
const SWITCHES = ['/think', '/no_think'] as const;
interface Scanner extends ControlTokenScanner {
  /** Whether a text spells one once the template has taken out what it takes out. */
  readonly isUncovered: (text: string) => boolean;
}
/** Names of models are callers' own; each set of spellings that they lead to costs a scanner. */
const MAX_SCANNERS = 64;
/** Texts of a document of which each is looked at behind each other; documents have a handful. */
const MAX_PAIRED = 16;

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
  const scanners = new LRUCache<string, Scanner>({ max: MAX_SCANNERS });

  function scannerFor(model: string): Scanner {
    const tokens = tokensFor(model, extra);
    const takesOut = TAKES_SWITCHES_OUT.test(model);
    const id = `${takesOut}\n${tokens.join('\n')}`;
    let scanner = scanners.get(id);
    if (scanner === undefined) {
      const plain = createControlTokenScanner(tokens);
      const isUncovered = takesOut ? (text: string) => isSpeltWithoutSwitches(text, plain) : () => false;
      scanners.set(id, (scanner = { ...plain, isUncovered }));
    }
    return scanner;
  }
  const byModel = new LRUCache<string, Scanner>({ max: MAX_SCANNERS });

  return (model, body) => {
    let scanner = byModel.get(model);
    if (scanner === undefined) byModel.set(model, (scanner = scannerFor(model)));
    for (const name in body) {
      if (NOT_PROMPT.has(name)) continue;
      const member = body[name];
      if (member === undefined) continue;
      const path =
        (mode === 'deny' ? find(member, scanner) : neutralise(member, scanner, (value) => (body[name] = value))) ??
        documentOf(name, body[name] ?? null, scanner);
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

/**
 * `<SPECIAL_/think10>` is harmless until `/think` is taken out. Which of the switches goes first is the template's, and
 * taking out one may make the other. It cannot be broken by a space, as what stands there is not yet a spelling.
 */
function isSpeltWithoutSwitches(text: string, scanner: ControlTokenScanner): boolean {
  if (!SWITCHES.some((one) => text.includes(one))) return false;
  // Spellings that stand there as they are get refused or broken by themselves.
  const broken = scanner.neutralise(text);
  return [SWITCHES, SWITCHES.toReversed()].some((order) => {
    let left = broken;
    return order.some((one) => scanner.find((left = left.replaceAll(one, ''))) !== undefined);
  });
}

/** Path of the first text or name with a control token. Recursion is as deep as the parser allows. */
function find(value: JsonValue, scanner: Scanner): string | undefined {
  if (typeof value === 'string') {
    return scanner.find(value) === undefined && !scanner.isUncovered(value) ? undefined : '';
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const path = find(value[i] ?? null, scanner);
      if (path !== undefined) return joinPath(indexPath('', placeOf(value, i)), path);
    }
    const seam = seamOf(value, scanner);
    if (seam !== undefined) return memberPath(indexPath('', placeOf(value, seam.index)), seam.member);
    return isUncoveredTogether(value, scanner) ? '' : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  for (const name in value) {
    // Names of a tool's parameters are written into the prompt, too.
    if (scanner.find(name) !== undefined) return memberPath('', name);
    const member = value[name] ?? null;
    const path = isEscaped(name, member, scanner) ? '' : (find(member, scanner) ?? documentOf(name, member, scanner));
    if (path !== undefined) return joinPath(memberPath('', nameOf(value, name)), path);
  }
  return undefined;
}

/**
 * Whether arguments of a call spell one in JSON's escapes: vLLM parses them and a template writes them anew, without.
 * They cannot be broken in their escaped form, so they are refused in any mode.
 */
function isEscaped(name: string, value: JsonValue, scanner: Scanner): boolean {
  if (name !== 'arguments' || typeof value !== 'string' || !value.includes('\\')) return false;
  const once = unescaped(value);
  // Twice, for arguments may hold JSON that a tool's template parses anew; no more, or each level costs a sweep.
  return scanner.find(once) !== undefined || scanner.find(unescaped(once)) !== undefined;
}

/**
 * The first document whose texts spell one together: templates write its title and its text one behind the other. In
 * which order is theirs, so there is no place for a space that breaks it, and it is refused in any mode.
 */
function documentOf(name: string, value: JsonValue, scanner: Scanner): string | undefined {
  if (name !== 'documents' || !Array.isArray(value)) return undefined;
  const index = value.findIndex((document) => isJsonObject(document) && isSpeltTogether(document, scanner));
  return index < 0 ? undefined : indexPath('', placeOf(value, index));
}

function isSpeltTogether(document: JsonObject, scanner: Scanner): boolean {
  const texts = Object.values(document).filter((member) => typeof member === 'string');
  const isSpelt = (joined: string): boolean => scanner.find(joined) !== undefined || scanner.isUncovered(joined);
  if (texts.length < 2) return false;
  if (isSpelt(texts.join('')) || isSpelt(texts.toReversed().join(''))) return true;
  // Every pair of many would take the square of the time.
  if (texts.length > MAX_PAIRED) return false;
  return texts.some((before, i) =>
    texts.some((text, j) => i !== j && isSpelt(before.slice(-scanner.longest) + text.slice(0, scanner.longest))),
  );
}

/** A part, and the member that holds its text. */
interface Seam {
  readonly index: number;
  readonly member: string;
}

/** The first part that ends a spelling which others begin, whichever kinds of parts are taken out. */
function seamOf(items: readonly JsonValue[], scanner: Scanner): Seam | undefined {
  for (const kinds of selectionsIn(items)) {
    const seam = seamAmong(items, kinds, scanner, false);
    if (seam !== undefined) return seam;
  }
  return undefined;
}

/** Breaks all such spellings by a space, in place. */
function breakSeams(items: readonly JsonValue[], scanner: Scanner): void {
  const selections = selectionsIn(items);
  // A space that breaks one could make one of an operator's that has spaces, among parts that were looked at before.
  while (selections.some((kinds) => seamAmong(items, kinds, scanner, true) !== undefined));
}

/** Whether parts together spell one once the template has taken out what it takes out. */
function isUncoveredTogether(items: readonly JsonValue[], scanner: Scanner): boolean {
  return selectionsIn(items).some((kinds) =>
    scanner.isUncovered(items.map((item) => textOfPart(item, kinds)).join('')),
  );
}

/**
 * The first part that ends a spelling which others of these kinds begin: templates write parts one behind the other,
 * with nothing between. Where `isBroken`, it is broken by a space, in place, and so are all others.
 */
function seamAmong(
  items: readonly JsonValue[],
  kinds: readonly PartText[],
  scanner: Scanner,
  isBroken: boolean,
): Seam | undefined {
  const texts = items.map((item) => textOfPart(item, kinds));
  // Hardly ever: one look at all together tells that there is none.
  if (scanner.find(texts.join('')) === undefined) return undefined;
  let first: Seam | undefined;
  let before = '';
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    let text = texts[index] ?? '';
    if (!isJsonObject(item) || text === '') continue;
    const member = memberOfPart(item) ?? '';
    while (before !== '' && scanner.find(before + text.slice(0, scanner.longest)) !== undefined) {
      first ??= { index, member };
      if (!isBroken) return first;
      text = ` ${text}`;
      item[member] = text;
    }
    before = (text.length < scanner.longest ? before + text : text).slice(-scanner.longest);
  }
  return first;
}

/**
 * Breaks the spellings in all texts, in place: the value is the gateway's own copy. A name cannot be broken without
 * becoming another one: gives the path of such a name.
 */
function neutralise(value: JsonValue, scanner: Scanner, replace: (value: JsonValue) => void): string | undefined {
  if (typeof value === 'string') {
    const broken = scanner.neutralise(value);
    if (broken !== value) replace(broken);
    return scanner.isUncovered(broken) ? '' : undefined;
  }
  if (Array.isArray(value)) {
    const items: JsonValue[] = value;
    for (let i = 0; i < items.length; i++) {
      const path = neutralise(items[i] ?? null, scanner, (item) => (items[i] = item));
      if (path !== undefined) return joinPath(indexPath('', placeOf(value, i)), path);
    }
    breakSeams(items, scanner);
    return isUncoveredTogether(items, scanner) ? '' : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  for (const name in value) {
    if (scanner.find(name) !== undefined || isEscaped(name, value[name] ?? null, scanner)) return memberPath('', name);
    const path =
      neutralise(value[name] ?? null, scanner, (member) => (value[name] = member)) ??
      documentOf(name, value[name] ?? null, scanner);
    if (path !== undefined) return joinPath(memberPath('', nameOf(value, name)), path);
  }
  return undefined;
}
