import { Refusal, invalid, outOfRange } from '../fields/refusal.ts';
import { NOTHING, overlaps, sizeOf, union } from './char-set.ts';
import type { CharSet } from './char-set.ts';
import { NO_TEXT } from './pattern-facts.ts';
import type { PatternFacts } from './pattern-facts.ts';
import type { PatternNode, RepeatNode } from './pattern-tree.ts';

/** Unbounded repeats in a row whose characters overlap: a backtracking engine needs time to their power. */
const MAX_IN_A_ROW = 3;
/** A counted repeat with more room than this is treated as an unbounded one. */
const MAX_ROOM = 10;
/** Characters behind such a repeat that may still belong to it: an automaton needs up to 2 to their power states. */
const MAX_WIDTH = 12;

/** What is known of the bodies of repeats. */
export type Bodies = ReadonlyMap<PatternNode, PatternFacts>;

/** The repeats before a place of an expression that the characters there may still belong to. */
interface Open {
  readonly alphabet: CharSet;
  readonly inARow: number;
  /** What has to come before such a repeat can begin another turn, and whether it has come since. */
  readonly restarts: CharSet;
  readonly hasRestarted: boolean;
  /** Sets of several characters since then. */
  readonly width: number;
  /** Of the unbounded repeats right before this place: what they can hold, and what each of their turns must hold. */
  readonly touching: CharSet;
  readonly touchingNeeds: CharSet;
}

const CLOSED: Open = {
  alphabet: NOTHING,
  inARow: 0,
  restarts: NOTHING,
  hasRestarted: false,
  width: 0,
  touching: NOTHING,
  touchingNeeds: NOTHING,
};

/**
 * Refuses an expression in which repeats spread over what follows them: two unbounded ones side by side
 * that share characters (`.*.*`), too many of them in a row (`.*a.*a.*a.*`), or one before so many characters of
 * its own that an automaton has to remember where it was (`.*a.{20}`). One pass.
 *
 * @param bodies what is known of the body of every repeat
 */
export function refuseSpread(node: PatternNode, bodies: Bodies): Refusal | undefined {
  const open = walk(node, CLOSED, bodies);
  return open instanceof Refusal ? open : undefined;
}

function walk(node: PatternNode, before: Open, bodies: Bodies): Open | Refusal {
  switch (node.kind) {
    case 'set':
      return pass(node.set, before);
    case 'sequence': {
      let open = before;
      for (const item of node.items) {
        const after = walk(item, open, bodies);
        if (after instanceof Refusal) return after;
        open = after;
      }
      return open;
    }
    case 'choice': {
      let either: Open | undefined;
      for (const branch of node.branches) {
        const after = walk(branch, before, bodies);
        if (after instanceof Refusal) return after;
        either = either === undefined ? after : merge(either, after);
      }
      return either ?? before;
    }
    case 'repeat':
      return repeat(node, before, bodies);
  }
}

function pass(set: CharSet, before: Open): Open | Refusal {
  if (!overlaps(before.alphabet, set)) return CLOSED;
  const width = before.width + (sizeOf(set) > 1 ? 1 : 0);
  const hasRestarted = before.hasRestarted || overlaps(before.restarts, set);
  if (hasRestarted && width > MAX_WIDTH) return tooWide();
  return { ...before, width, hasRestarted, touching: NOTHING, touchingNeeds: NOTHING };
}

function repeat(node: RepeatNode, before: Open, bodies: Bodies): Open | Refusal {
  const { body, min, max } = node;
  // An assertion: judged for itself, and nothing for what follows.
  const inside = walk(body, max === 0 ? CLOSED : before, bodies);
  if (inside instanceof Refusal) return inside;
  if (max === 0) return before;
  const isWide = max - min > MAX_ROOM;
  // What is written out goes on as wide as its first turn was.
  const turns = Number.isFinite(max) ? max : Math.max(min, 1);
  const width = inside.width === 0 ? 0 : inside.width + Math.max(0, inside.width - before.width) * (turns - 1);
  if (inside.hasRestarted && width > MAX_WIDTH) return tooWide();
  const after = isWide ? opened(bodies.get(node) ?? NO_TEXT, max, before, inside) : { ...inside, width };
  if (after instanceof Refusal) return after;
  return min === 0 ? merge(before, after) : after;
}

/** Behind a repeat with room: it is open, and so is what was open before it and inside it. */
function opened(body: PatternFacts, max: number, before: Open, inside: Open): Open | Refusal {
  const { alphabet, needs = alphabet } = body;
  const isUnbounded = max === Infinity;
  if (isUnbounded && overlaps(before.touchingNeeds, alphabet) && overlaps(before.touching, needs)) {
    return invalid('Merge or separate unbounded repeats that share characters, such as .*.*');
  }
  const goesOn = overlaps(before.alphabet, alphabet);
  // A repeat inside a repeat adds nothing: what is repeated ends in one way.
  const inARow = Math.max(inside.inARow, (goesOn ? before.inARow : 0) + (isUnbounded ? 1 : 0));
  if (inARow > MAX_IN_A_ROW) {
    return outOfRange(`Use at most ${MAX_IN_A_ROW} unbounded repeats in a row that share characters.`);
  }
  return {
    alphabet: union(alphabet, inside.alphabet),
    inARow,
    restarts: union(needs, inside.restarts),
    hasRestarted: goesOn && inside.hasRestarted,
    width: goesOn ? inside.width : 0,
    touching: isUnbounded ? union(alphabet, inside.touching) : inside.touching,
    touchingNeeds: isUnbounded ? union(needs, inside.touchingNeeds) : inside.touchingNeeds,
  };
}

function merge(a: Open, b: Open): Open {
  return {
    alphabet: union(a.alphabet, b.alphabet),
    inARow: Math.max(a.inARow, b.inARow),
    restarts: union(a.restarts, b.restarts),
    hasRestarted: a.hasRestarted || b.hasRestarted,
    width: Math.max(a.width, b.width),
    touching: union(a.touching, b.touching),
    touchingNeeds: union(a.touchingNeeds, b.touchingNeeds),
  };
}

function tooWide(): Refusal {
  return outOfRange(`Give at most ${MAX_WIDTH} characters behind a repeat that could take them, too.`);
}
