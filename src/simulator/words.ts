/**
 * The words that stand for an answer: the same prompt and choice always give the same ones, so that a test
 * can tell which request an answer belongs to.
 *
 * @param count how many words, each counted as one token
 * @param choice index of the choice; each one says something else
 */
export function* answerWords(prompt: string, count: number, choice = 0): Generator<string> {
  let state = fnv1a(`${choice}:${prompt}`);
  for (let i = 0; i < count; i++) {
    // The multiplier and increment of Numerical Recipes; only the upper bits are random enough.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const word = WORDS[state >>> 26] ?? '';
    yield i === 0 ? word : ` ${word}`;
  }
}

/** The answer's whole text. */
export function answerText(prompt: string, count: number, choice = 0): string {
  return [...answerWords(prompt, count, choice)].join('');
}

/** Tokens of a text, roughly: its words. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\S+/g) ?? [];
}

/** How many tokens a text has, roughly. */
export function countWords(text: string): number {
  return wordsOf(text).length;
}

/** 32-bit FNV-1a of the text's UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Sixty-four of them: six bits choose one. */
const WORDS = (
  'amber anchor beacon breeze bridge canal candle cedar chart cliff cloud coast compass copper coral crane ' +
  'current dawn delta drift ember fern field fjord flint galley garden glade granite gull harbor haven ' +
  'hazel heron island jetty kelp lantern ledge lichen maple marsh meadow mist moss oak orbit pebble ' +
  'pine quarry quay reed ridge river sail shore sparrow spruce stone summit thistle tide valley wharf'
).split(' ');
