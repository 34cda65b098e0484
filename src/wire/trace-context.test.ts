import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callSpanId } from '../kernel/trace.ts';
import { parseTraceParent, parseTraceState, traceParentOf } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203330';

for (const [name, text, isGood] of [
  ['as the standard shows it', `00-${TRACE}-${SPAN}-01`, true],
  ['with a flag that nobody knows yet', `00-${TRACE}-${SPAN}-80`, true],
  ['of a version to come', `cc-${TRACE}-${SPAN}-01`, true],
  ['of a version to come, with more behind a hyphen', `cc-${TRACE}-${SPAN}-01-what-else`, true],
  ['of a version to come, with more and no hyphen', `cc-${TRACE}-${SPAN}-01.what`, false],
  ['of version 00 with more', `00-${TRACE}-${SPAN}-01-more`, false],
  ['of version 00 with a hyphen at its end', `00-${TRACE}-${SPAN}-01-`, false],
  ['of version ff', `ff-${TRACE}-${SPAN}-01`, false],
  ['in capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
  ['with a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, false],
  ['with a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
  ['one digit short', `00-${TRACE.slice(1)}-${SPAN}-01`, false],
  ['one digit long', `00-0${TRACE}-${SPAN}-01`, false],
  ['sent twice', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, false],
  ['of a version to come, sent twice', `cc-${TRACE}-${SPAN}-01-a, cc-${TRACE}-${SPAN}-01`, false],
  ['with white space', ` 00-${TRACE}-${SPAN}-01`, false],
  ['with a line break at its end', `00-${TRACE}-${SPAN}-01\n`, false],
  ['of more than 512 characters', `cc-${TRACE}-${SPAN}-01-${'a'.repeat(457)}`, false],
  ['of 512 characters', `cc-${TRACE}-${SPAN}-01-${'a'.repeat(456)}`, true],
] as const) {
  test(`a traceparent ${name} is ${isGood ? 'joined' : 'none'}`, () => {
    assert.equal(parseTraceParent(text) !== undefined, isGood);
  });
}

test('whatever a traceparent says, nothing but ids of the right form is read out of it', () => {
  const near = fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}.{0,8}$/);
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
      const parent = parseTraceParent(text);
      if (parent === undefined) return;
      assert.match(parent.traceId, /^(?!0+$)[0-9a-f]{32}$/);
      assert.match(parent.parentSpanId, /^(?!0+$)[0-9a-f]{16}$/);
    }),
  );
});

test('what is written reads back, under the id of the call', () => {
  const hex = (digits: number) => fc.stringMatching(new RegExp(`^[1-9a-f][0-9a-f]{${digits - 2}}[02468ace]$`));
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), fc.boolean(), (traceId, spanId, isSampled, isRandom) => {
      const trace = { traceId, spanId, parentSpanId: undefined, isSampled, isRandom, state: undefined };
      assert.deepEqual(parseTraceParent(traceParentOf(trace)), {
        ...{ traceId, isSampled, isRandom },
        parentSpanId: callSpanId(spanId),
      });
      assert.notEqual(callSpanId(spanId), spanId);
    }),
  );
});

const members = (count: number, first = 0) => Array.from({ length: count }, (_, i) => `k${first + i}=v`).join(',');

for (const [name, text, state] of [
  ['as the standard shows it', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
  ['with white space and empty members', 'a=1 , ,\tb=2', 'a=1,b=2'],
  ['with a tenant in its key', 'acme@vendor=1', 'acme@vendor=1'],
  ['of 32 members', members(32), members(32)],
  ['of 33 members', members(33), undefined],
  ['with a key twice', 'a=1,a=2', undefined],
  ['with a key in capitals', 'A=1', undefined],
  ['without a value', 'a=', undefined],
  ['with a control character', 'a=1\u0001', undefined],
  ['with a second equals sign', 'a=1=2', undefined],
  ['that is empty', ' , ', undefined],
  ['of 512 characters', `a=${'v'.repeat(250)},b=${'v'.repeat(256)},`, `a=${'v'.repeat(250)},b=${'v'.repeat(256)}`],
  ['of 513 characters', `a=${'v'.repeat(251)},b=${'v'.repeat(256)},`, undefined],
] as const) {
  test(`a tracestate ${name} ${state === undefined ? 'is left out' : 'goes on'}`, () => {
    assert.equal(parseTraceState(text), state);
  });
}

test('whatever a tracestate says, what goes on is printable and of few members', () => {
  const member = fc.stringMatching(/^[a-z@ ]{0,3}=[ -~]{0,5}$/);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(member).map((all) => all.join(',')),
      ),
      (text) => {
        const state = parseTraceState(text);
        if (state === undefined) return;
        assert.match(state, /^[\x20-\x7e]{3,512}$/);
        assert.equal(parseTraceState(state), state);
      },
    ),
  );
});
