import { Buffer } from 'node:buffer';
import { Session, type Profiler } from 'node:inspector';

/**
 * Makes a counter of the steps of a function, so that growth is told without a clock: how often each block of code below
 * `src/` ran, as V8's precise coverage has it, and the characters, items or bytes that built-in functions went through,
 * which coverage sees as one call each. The same input gives the same count, on any machine under any load.
 *
 * Not seen are matches of a regular expression that go back (each costs the length of its text here), lookups in a `Map`
 * or `Set`, and copies that no call is made for: spread items and members, joined texts.
 */
export function createStepCounter(): (run: () => void) => number {
  const session = new Session();
  session.connect();
  const post = (method: string, parameters: object = {}): unknown => {
    let answer: unknown;
    session.post(method, parameters, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer; // a session of the same thread answers before `post` returns
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  /** How often the blocks ran since it was last asked. */
  function blocks(): number {
    const { result } = post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType; // by its name
    let sum = 0;
    for (const { url, functions } of result) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions) for (const { count } of ranges) sum += count;
    }
    return sum;
  }
  return (run) => {
    blocks();
    const native = countNative(run);
    return native + blocks();
  };
}

type Native = (...values: unknown[]) => unknown;
/** What a call costs: what it was called on, with what, and what it gave. */
type Cost = (self: unknown, values: readonly unknown[], result: unknown) => number;

const sizeOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) || Buffer.isBuffer(value) ? value.length : 0;
/** Up to where it was found. */
const search: Cost = (self, [needle, from], result) => {
  const start = typeof from === 'number' ? from : 0;
  return (typeof result === 'number' && result >= 0 ? result : sizeOf(self)) - start + sizeOf(needle);
};
const whole: Cost = (self) => sizeOf(self);
const made: Cost = (_, __, result) => sizeOf(result);
const both: Cost = (self, _, result) => sizeOf(self) + sizeOf(result);
const given: Cost = (_, [value]) => sizeOf(value);
/** One that is sticky or global goes on where the last match was. */
const match: Cost = (self, [text]) => sizeOf(text) - (self instanceof RegExp && self.sticky ? self.lastIndex : 0);

const COSTS: readonly (readonly [object, string, Cost])[] = [
  ...['indexOf', 'includes'].map((name) => [String.prototype, name, search] as const),
  ...['slice', 'substring', 'repeat', 'trim'].map((name) => [String.prototype, name, made] as const),
  ...['replace', 'replaceAll', 'split'].map((name) => [String.prototype, name, both] as const),
  ...['match', 'matchAll', 'isWellFormed'].map((name) => [String.prototype, name, whole] as const),
  ...['indexOf', 'includes', 'join', 'reverse'].map((name) => [Array.prototype, name, whole] as const),
  ...['slice', 'concat', 'flat'].map((name) => [Array.prototype, name, made] as const),
  ...['shift', 'unshift', 'splice'].map((name) => [Array.prototype, name, whole] as const),
  ...['test', 'exec'].map((name) => [RegExp.prototype, name, match] as const),
  ...['byteLength', 'from'].map((name) => [Buffer, name, given] as const),
  ...['toString', 'latin1Slice', 'utf8Slice'].map((name) => [Buffer.prototype, name, made] as const),
  [JSON, 'parse', given],
  [JSON, 'stringify', made],
];

function countNative(run: () => void): number {
  let steps = 0;
  const originals = COSTS.map(([holder, name, cost]) => {
    const original = Reflect.get(holder, name) as Native; // the names are of functions
    const counting = function (this: unknown, ...values: unknown[]): unknown {
      const result: unknown = Reflect.apply(original, this, values);
      steps += 1 + cost(this, values, result);
      return result;
    };
    Reflect.set(holder, name, counting);
    return [holder, name, original] as const;
  });
  try {
    run();
  } finally {
    for (const [holder, name, original] of originals) Reflect.set(holder, name, original);
  }
  return steps;
}
