/**
 * Tells whether a JSON number keeps its value when it is parsed to a double and written again by
 * `JSON.stringify`, in so far as it is an integer: an integer beyond 2^53 is kept only if the digits that
 * leave mean the same integer (2^53 + 1 does not, and neither does 2^64, which leaves as
 * 18446744073709552000). Numbers with a fraction are doubles everywhere, so rounding them changes nothing.
 *
 * @param text the number as it stood in the JSON text; must match RFC 8259 §6
 * @param value the finite double that it was parsed to
 */
export function keepsInteger(text: string, value: number): boolean {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return true; // smaller ones, and fractions that round to one
  const came = decimal(text);
  if (came.exponent < 0) return true;
  const leaves = decimal(String(value));
  return came.digits === leaves.digits && came.exponent === leaves.exponent;
}

/** `digits` x 10^`exponent`, without zeros at either end of the digits and without sign. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

function decimal(text: string): Decimal {
  const parts = NUMBER.exec(text);
  if (parts === null) return { digits: '', exponent: 0 }; // not JSON: the grammar check refuses it
  const fraction = parts[2] ?? '';
  const all = (parts[1] ?? '') + fraction;
  let first = 0;
  while (all.charCodeAt(first) === 0x30) first++;
  let last = all.length;
  while (last > first && all.charCodeAt(last - 1) === 0x30) last--;
  return {
    digits: all.slice(first, last),
    exponent: Number(parts[3] ?? 0) - fraction.length + (all.length - last),
  };
}
