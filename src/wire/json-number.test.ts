import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keepsInteger } from './json-number.ts';

test('an integer is kept exactly where the digits that JSON.stringify writes mean the same integer', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (integer) => {
      const value = Number(integer);
      const written = JSON.stringify(value);
      const leaves = written.includes('e') ? bigFromExponent(written) : BigInt(written);
      assert.equal(keepsInteger(String(integer), value), leaves === integer);
    }),
  );
});

test('every double is kept in the spelling of JSON.stringify', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(keepsInteger(JSON.stringify(value), value));
    }),
  );
});

/** The integer of `1.234e+25`. */
function bigFromExponent(text: string): bigint {
  const [digits = '', exponent = '0'] = text.split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(Number(exponent) - fraction.length);
}
