import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { READ_SCHEMA } from './limits.ts';
import { COMPILED_PATTERN, checkPattern, patternSize } from './pattern.ts';
import { parsePattern } from './pattern-tree.ts';
import type { PatternNode } from './pattern-tree.ts';

const verdict = (pattern: string, limits = COMPILED_PATTERN): string =>
  checkPattern(pattern, limits)?.code ?? 'accepted';

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])';
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';

/** What real schemas have. */
const USUAL: Readonly<Record<string, string>> = {
  date: String.raw`^\d{4}-\d{2}-\d{2}$`,
  'date with its calendar': String.raw`^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|(?:02)-(?:0[1-9]|1\d|2[0-8])))$`,
  'time of day': String.raw`^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?$`,
  duration: String.raw`^P(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$`,
  uuid: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$',
  ulid: '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$',
  slug: '^[a-z0-9]+(?:-[a-z0-9]+)*$',
  'e-mail': String.raw`^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$`,
  'e-mail by HTML': `^[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]+@${LABEL}(?:\\.${LABEL})*$`,
  'e-mail by zod': String.raw`^(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`,
  'e-mail by hand': String.raw`^[^\s@]+@[^\s@]+\.[^\s@]+$`,
  'host name': `^(${LABEL}\\.)+[a-zA-Z]{2,63}$`,
  semver: String.raw`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`,
  phone: String.raw`^\+?[1-9]\d{1,14}$`,
  'phone in groups': String.raw`^\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}$`,
  'card number': String.raw`^\d(?:[ -]?\d){11,18}$`,
  IPv4: `^(?:${OCTET}\\.){3}${OCTET}$`,
  'IPv4 by hand': String.raw`^(?:25[0-5]|2[0-4]\d|[01]?\d\d?)(?:\.(?:25[0-5]|2[0-4]\d|[01]?\d\d?)){3}$`,
  URL: '^https?://.+$',
  base64: '^(?:[0-9a-zA-Z+/]{4})*(?:(?:[0-9a-zA-Z+/]{2}==)|(?:[0-9a-zA-Z+/]{3}=))?$',
  JWT: String.raw`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`,
  colour: '^#(?:[0-9a-fA-F]{3}){1,2}$',
  path: '^/(?:[^/]+/)*[^/]*$',
  name: '^[a-zA-Z\\u00c0-\\u024f]+(?:[ -][a-zA-Z\\u00c0-\\u024f]+)*$',
  'not blank': String.raw`^.*\S.*$`,
  anything: String.raw`^[\s\S]*$`,
  'anything, as a choice': String.raw`^(.|\n)*$`,
  'named groups': String.raw`^(?P<y>\d{4})-(?<m>\d\d)$`,
};
for (const [name, pattern] of Object.entries(USUAL)) {
  test(`accepts the usual pattern of ${name}`, () => {
    assert.equal(checkPattern(pattern)?.message, undefined);
    assert.doesNotThrow(() => new RegExp(pattern.replace('?P<', '?<'), 'u'));
  });
}

const RANGE = 'value_out_of_range';
const INVALID = 'invalid_field';
for (const [pattern, code, why] of [
  ['(a+)+', RANGE, 'a repeat of a repeat'],
  ['(a*)*', RANGE, 'a repeat of what may be empty'],
  ['(a|a)*', RANGE, 'a repeat of two branches that are the same'],
  [String.raw`(\w|\d)+`, RANGE, 'a repeat of branches that overlap'],
  ['(a|ab)*', RANGE, 'a repeat of what may go on as the next'],
  [String.raw`^(\w+\s?)*$`, RANGE, 'a repeat of words that need no space'],
  ['(.*a){40}', RANGE, 'a counted repeat of an unbounded one'],
  ['(x+x+)+y', RANGE, 'the classic one'],
  ['(a?){20}a{20}', RANGE, 'optional items in a row'],
  ['.*.*', INVALID, 'two unbounded repeats side by side'],
  ['a+a+', INVALID, 'two of one character'],
  ['a+b?a+', INVALID, 'two with an option between them'],
  ['(ab)*(ab)*', INVALID, 'two of groups'],
  [String.raw`([a-z]+\.)+([a-z]+\.)*x`, INVALID, 'two of labels'],
  ['.*a.*b.*c.*d', RANGE, 'four in a row'],
  ['.*a.{20}', RANGE, 'an automaton of 2^20 states'],
  ['[ab]{0,30}a[ab]{20}', RANGE, 'the same with a counted repeat'],
  ['(x[ab]*a[ab]{20}y)*', RANGE, 'the same inside a repeat'],
  ['([ab]+x)*ax([ab]x){20}', RANGE, 'the same of groups'],
  ['(?:a{1,1000}){11}', RANGE, 'counted repeats that multiply beyond 10,000'],
  ['((((a{1,50}){1,50}){1,50}){1,50})', RANGE, 'counted repeats at four levels'],
  [String.raw`(a)\1`, INVALID, 'a back reference'],
  [String.raw`(?<n>a)\k<n>`, INVALID, 'a named back reference'],
  ['(?=a)b', INVALID, 'look-ahead'],
  ['(?!a)b', INVALID, 'negative look-ahead'],
  ['(?<=a)b', INVALID, 'look-behind'],
  ['(?<!a)b', INVALID, 'negative look-behind'],
  [String.raw`\ba`, INVALID, 'a word boundary'],
  ['(?i)a', INVALID, 'inline flags'],
  ['(?>a)', INVALID, 'an atomic group'],
  ['(?#a)', INVALID, 'a comment'],
  ['a++', INVALID, 'a possessive repeat'],
  ['a**', INVALID, 'a repeat of a repeat without group'],
  ['^*', INVALID, 'a repeated anchor'],
  ['*a', INVALID, 'a repeat of nothing'],
  ['a|*', INVALID, 'a repeat of nothing in a branch'],
  ['a{2', INVALID, 'an open brace'],
  ['a{,2}', INVALID, 'a repeat without lower bound'],
  ['a{3,2}', INVALID, 'a repeat with its bounds exchanged'],
  ['(a', INVALID, 'an open group'],
  ['a)', INVALID, 'a group that was not open'],
  ['[a', INVALID, 'an open class'],
  ['[]', INVALID, 'an empty class'],
  ['[^]', INVALID, 'a class of everything in ECMAScript alone'],
  ['[b-a]', INVALID, 'a range with its ends exchanged'],
  ['[[a]', INVALID, 'a class in a class'],
  ['[a&&b]', INVALID, 'a set operation'],
  ['a\\', INVALID, 'a backslash at the end'],
  [String.raw`\A`, INVALID, 'an escape of Python alone'],
  [String.raw`\012`, INVALID, 'an octal escape'],
  [String.raw`\u{110000}`, INVALID, 'a code point that there is not'],
  [String.raw`^\p{L}+$`, INVALID, 'a Unicode property, on which engines ended (vLLM #43920)'],
  [String.raw`[\PL]`, INVALID, 'a Unicode property in a class'],
  [String.raw`[\w-.]`, INVALID, 'a hyphen that Python takes for a range'],
  ['', RANGE, 'nothing'],
] as const) {
  test(`refuses ${why}: ${pattern}`, () => assert.equal(verdict(pattern), code));
}

for (const [pattern, code] of [
  ['a'.repeat(512), 'accepted'],
  ['a'.repeat(513), RANGE],
  ['a{1000}', 'accepted'],
  ['a{1001}', RANGE],
  ['a{0,1000}', 'accepted'],
  ['a{0,1001}', RANGE],
  ['(?:a{1000}){10}', 'accepted'],
  ['(?:a{1000}){10}b', RANGE],
  [`${'('.repeat(16)}a${')'.repeat(16)}`, 'accepted'],
  [`${'('.repeat(17)}a${')'.repeat(17)}`, RANGE],
  ['.*a.*b.*', 'accepted'],
  ['.*a.{12}', 'accepted'],
  ['.*a.{13}', RANGE],
  ['(?:a?b?c?){4}', 'accepted'],
  ['(?:a?b?c?){5}', RANGE],
] as const) {
  test(`${code === 'accepted' ? 'accepts' : 'refuses'} ${pattern.slice(0, 24)} of ${pattern.length} characters`, () =>
    assert.equal(verdict(pattern), code));
}

for (const pattern of [
  String.raw`^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$`,
  String.raw`^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?)$`,
  `^(?=.{1,253}$)(${LABEL}\\.)+[a-zA-Z]{2,63}$`,
  String.raw`^[\w-.]+@([\w-]+\.)+[\w-]{2,4}$`,
  String.raw`^\bword\b$`,
  '.*.*',
  String.raw`^\p{L}+(?:[ -]\p{L}+)*$`,
]) {
  test(`a pattern that is only read may be ${pattern.slice(0, 30)}`, () => {
    assert.notEqual(verdict(pattern), 'accepted');
    assert.equal(verdict(pattern, READ_SCHEMA), 'accepted');
  });
}

for (const pattern of ['(a+)+', '(?=(a+)+)b', '(?=a)*', '(', String.raw`(a)\1`, '(?=(?:a{1000}){11})']) {
  test(`a pattern that is only read may not be ${pattern} either`, () =>
    assert.notEqual(verdict(pattern, READ_SCHEMA), 'accepted'));
}

test('repeats are counted as they are written out, and wide sets by what they cost', () => {
  for (const [pattern, size] of [
    ['abc', 3],
    ['a{7}', 7],
    ['(ab|c){2,5}', 15],
    ['a*', 1],
    ['a{3,}', 3],
    ['^$', 0],
    ['[a-z]{7}', 7],
    ['[a-zA-Z0-9_-]{7}', 14],
    ['[^"]{7}', 70],
    ['(?:a|[^a]){0,5}', 55],
    ['é{5}', 50],
    ['[acegikmoqsuwyACEGIKMOQSUWY02468]{5}', 40],
    ['[?@]', 1],
  ] as const) {
    assert.equal(patternSize(pattern, COMPILED_PATTERN), size, pattern);
  }
});

const piece = fc.constantFrom(
  ...String.raw`a b c . , - ^ $ | ( ) (?: (?= [ ] [a [^b * + ? {2} {1,3} {2,} \d \w \\ \1 é`.split(' '),
);
const soup = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join('')),
);

test('never throws, and says nothing of the pattern', () => {
  fc.assert(
    fc.property(soup, (pattern) => {
      for (const limits of [COMPILED_PATTERN, READ_SCHEMA]) {
        const refusal = checkPattern(pattern, limits);
        if (refusal !== undefined) assert.match(refusal.message, /^[\x20-\x7e]+$/);
      }
    }),
  );
});

test('what is accepted is a regular expression to this engine, too', () => {
  fc.assert(
    fc.property(soup, (pattern) => {
      if (checkPattern(pattern) === undefined) assert.doesNotThrow(() => new RegExp(pattern));
    }),
  );
});

test('a pattern has at most as many parts as characters, so each of its judges takes steps in proportion', () => {
  const parts = (node: PatternNode): number => {
    switch (node.kind) {
      case 'set':
        return 1;
      case 'sequence':
        return node.items.reduce((sum, item) => sum + parts(item), 0);
      case 'choice':
        return node.branches.reduce((sum, branch) => sum + parts(branch), 0);
      case 'repeat':
        return 1 + parts(node.body);
    }
  };
  fc.assert(
    fc.property(soup, (pattern) => {
      const tree = parsePattern(pattern, COMPILED_PATTERN);
      if (!(tree instanceof Refusal)) assert.ok(parts(tree) <= pattern.length);
    }),
  );
});

/** Steps of a matcher that tries every way, as a backtracking engine does, over a text that it has to refuse. */
function backtrack(node: PatternNode, text: string, most: number): number {
  let steps = 0;
  const holds = (set: PatternNode & { kind: 'set' }, char: string): boolean => {
    const code = char.charCodeAt(0);
    return (((set.set[code >>> 5] ?? 0) >>> (code & 31)) & 1) === 1;
  };
  const match = (item: PatternNode, at: number, then: (at: number) => void): void => {
    if (++steps > most) return;
    switch (item.kind) {
      case 'set':
        if (at < text.length && holds(item, text.charAt(at))) then(at + 1);
        return;
      case 'sequence': {
        const from = (i: number, place: number): void => {
          const next = item.items[i];
          if (next === undefined) then(place);
          else match(next, place, (behind) => from(i + 1, behind));
        };
        from(0, at);
        return;
      }
      case 'choice':
        for (const branch of item.branches) match(branch, at, then);
        return;
      case 'repeat': {
        const turn = (done: number, place: number): void => {
          if (++steps > most) return;
          if (done < item.max) {
            match(item.body, place, (behind) => {
              if (behind > place || done < item.min) turn(done + 1, behind);
            });
          }
          if (done >= item.min) then(place);
        };
        turn(0, at);
      }
    }
  };
  match(node, 0, () => undefined);
  return steps;
}

test('the work of a backtracking engine on an accepted pattern does not explode with the text', () => {
  const atom = fc.constantFrom('a', 'b', '[ab]', '.', '[^a]', ',');
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small' },
      atom,
      fc.tuple(tie('pattern'), tie('pattern')).map((parts) => parts.join('')),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
      fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{3}', '{1,6}')).map(([a, times]) => `(?:${a})${times}`),
    ),
  }));
  fc.assert(
    fc.property(pattern, fc.constantFrom('a', 'ab', 'b', 'a,', 'aab'), (text, word) => {
      if (checkPattern(text) !== undefined) return;
      const tree = parsePattern(text, COMPILED_PATTERN);
      assert.ok(!(tree instanceof Refusal));
      const [short, long] = [20, 40].map((length) => backtrack(tree, word.repeat(length).slice(0, length), 5_000_000));
      assert.ok(short !== undefined && long !== undefined);
      // Twice the text may cost 2 to the power of three repeats in a row; an explosion costs 2 to the power of 20.
      assert.ok(long <= 64 * short, `${text} on ${word}: ${short} steps, then ${long}`);
    }),
  );
});
