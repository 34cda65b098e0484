import { ANY_NAME, NAMES_OF_TEXT, tokenFamilies } from './families.ts';

/** Finds and breaks spellings of control tokens. */
export interface ControlTokenScanner {
  /** The first spelling in a text, the longest of those that begin there. */
  readonly find: (text: string) => { readonly index: number; readonly length: number } | undefined;
  /** The text with every spelling broken, so that the result has none; the same text where there is none. */
  readonly neutralise: (text: string) => string;
  /** Units that no spelling is longer than. */
  readonly longest: number;
}

/** Spellings by their UTF-16 units. */
interface TrieNode {
  readonly next: Map<number, TrieNode>;
  /** Behind `{n}`. */
  digits: TrieNode | undefined;
  /** Behind `ANY_NAME`. */
  name: TrieNode | undefined;
  isEnd: boolean;
}

const MAX_DIGITS = 10;
const MAX_NAME = 40;
const NAME_UNITS: ReadonlySet<number> = new Set(
  Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:./-', (char) => char.charCodeAt(0)),
);
const ZERO = 0x30;
const NINE = 0x39;

/**
 * The spellings that count for a model: the unambiguous ones of all families, the ambiguous ones of those that its
 * name belongs to, and the operator's own.
 *
 * @param model the name by which vLLM serves the model; an alias says nothing of its family
 */
export function tokensFor(model: string, extra: readonly string[]): readonly string[] {
  const tokens = new Set(extra);
  for (const { models, always, ambiguous } of tokenFamilies) {
    for (const token of always) tokens.add(token);
    if (models?.test(model) === true) for (const token of ambiguous) tokens.add(token);
  }
  return [...tokens];
}

/**
 * Builds a scanner for spellings, in which `{n}` stands for one to ten digits. It sweeps a text once for each character
 * that a spelling begins with, natively, and looks further only where one stands; its time is linear in the text.
 *
 * Breaking puts a space behind the first character. A tokenizer looks for these spellings in the text as it came, and
 * a space is what no normaliser takes away again; an invisible character some do, and where none does, it would go
 * unseen into what an agent writes to files.
 *
 * @throws RangeError for a spelling of less than two characters, or with white space at an end: it could not be broken
 */
export function createControlTokenScanner(tokens: readonly string[]): ControlTokenScanner {
  const root = trieOf(tokens);
  const starts = [...root.next].map(([unit, node]) => ({ char: String.fromCharCode(unit), node }));
  // As many as no spelling has in a row, so that a broken one is not another one.
  const gap = ' '.repeat(
    1 + Math.max(0, ...tokens.flatMap((token) => token.match(/ +/g) ?? []).map((run) => run.length)),
  );

  function find(text: string): { index: number; length: number } | undefined {
    let index = text.length;
    let length = 0;
    for (const { char, node } of starts) {
      for (let at = text.indexOf(char); at >= 0 && at < index; at = text.indexOf(char, at + 1)) {
        const end = endOf(node, text, at + 1);
        if (end === 0) continue;
        index = at;
        length = end - at;
      }
    }
    return length === 0 ? undefined : { index, length };
  }

  function neutralise(text: string): string {
    const found: number[] = [];
    for (const { char, node } of starts) {
      for (let at = text.indexOf(char); at >= 0; at = text.indexOf(char, at + 1)) {
        if (endOf(node, text, at + 1) > 0) found.push(at + 1);
      }
    }
    if (found.length === 0) return text;
    let broken = '';
    let done = 0;
    for (const at of found.sort((a, b) => a - b)) {
      broken += text.slice(done, at) + gap;
      done = at;
    }
    return broken + text.slice(done);
  }

  const lengths = tokens.map(
    (token) => token.replaceAll('{n}', '0'.repeat(MAX_DIGITS)).replaceAll(ANY_NAME, 'n'.repeat(MAX_NAME)).length,
  );
  return { find, neutralise, longest: Math.max(0, ...lengths) };
}

/** The place behind the longest spelling that goes on from here; 0 where none does. */
function endOf(node: TrieNode, text: string, at: number): number {
  const own = node.isEnd ? at : 0;
  const next = node.next.get(text.charCodeAt(at));
  const literal = next === undefined ? 0 : endOf(next, text, at + 1);
  const named = node.name === undefined ? 0 : behindName(node.name, text, at);
  if (node.digits === undefined) return Math.max(own, literal, named);
  let behind = at;
  for (let unit = text.charCodeAt(behind); unit >= ZERO && unit <= NINE; unit = text.charCodeAt(behind)) behind++;
  const isNumber = behind > at && behind - at <= MAX_DIGITS;
  return Math.max(own, literal, named, isNumber ? endOf(node.digits, text, behind) : 0);
}

/** As `endOf`, behind the name that begins here. */
function behindName(node: TrieNode, text: string, at: number): number {
  let behind = at;
  // No further than a name can be: else one of a thousand letters is read again from each bar before it.
  while (behind - at <= MAX_NAME && NAME_UNITS.has(text.charCodeAt(behind))) behind++;
  if (behind === at || behind - at > MAX_NAME || NAMES_OF_TEXT.has(text.slice(at, behind))) return 0;
  return endOf(node, text, behind);
}

const emptyNode = (): TrieNode => ({ next: new Map(), digits: undefined, name: undefined, isEnd: false });

function trieOf(tokens: readonly string[]): TrieNode {
  const root = emptyNode();
  for (const token of tokens) {
    if (token.length < 2 || token.trim() !== token || token.startsWith('{n}') || token.startsWith(ANY_NAME)) {
      throw new RangeError('a control token has at least two characters, white space at neither end, no {n} first');
    }
    let node = root;
    token.split('{n}').forEach((part, i) => {
      if (i > 0) node = node.digits ??= emptyNode();
      for (let at = 0; at < part.length; at++) {
        if (part[at] === ANY_NAME) {
          node = node.name ??= emptyNode();
          continue;
        }
        const unit = part.charCodeAt(at);
        const next = node.next.get(unit) ?? emptyNode();
        node.next.set(unit, next);
        node = next;
      }
    });
    node.isEnd = true;
  }
  return root;
}
