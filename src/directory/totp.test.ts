import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base32Of, totpCode, totpStepAt, totpStepOf, totpUri } from './totp.ts';

const seed = Buffer.from('12345678901234567890');

for (const { seconds, code } of [
  { seconds: 59, code: '287082' },
  { seconds: 1_111_111_109, code: '081804' },
  { seconds: 1_111_111_111, code: '050471' },
  { seconds: 1_234_567_890, code: '005924' },
  { seconds: 2_000_000_000, code: '279037' },
  { seconds: 20_000_000_000, code: '353130' },
]) {
  test(`the code of RFC 6238 appendix B at ${seconds} s, its last six digits`, () => {
    assert.equal(totpCode(seed, totpStepAt(seconds * 1000)), code);
  });
}

for (const { name, code, lastStep, found } of [
  { name: 'of now', code: totpCode(seed, 100), lastStep: undefined, found: 100 },
  { name: 'of the step before', code: totpCode(seed, 99), lastStep: undefined, found: 99 },
  { name: 'of the step after', code: totpCode(seed, 101), lastStep: 100, found: 101 },
  { name: 'of two steps before', code: totpCode(seed, 98), lastStep: undefined, found: undefined },
  { name: 'of two steps after', code: totpCode(seed, 102), lastStep: undefined, found: undefined },
  { name: 'that was used', code: totpCode(seed, 100), lastStep: 100, found: undefined },
  { name: 'older than one that was used', code: totpCode(seed, 99), lastStep: 100, found: undefined },
  { name: 'of seven digits', code: `${totpCode(seed, 100)}0`, lastStep: undefined, found: undefined },
  { name: 'that is empty', code: '', lastStep: undefined, found: undefined },
]) {
  test(`a code ${name} is ${found === undefined ? 'refused' : 'accepted'}`, () => {
    assert.equal(totpStepOf(code, seed, lastStep, 100 * 30_000 + 15_000), found);
  });
}

test('seeds are written as authenticator apps read them (RFC 4648 §10)', () => {
  assert.equal(base32Of(Buffer.from('foobar')), 'MZXW6YTBOI');
  assert.match(
    totpUri(seed, 'ada@example.org', 'llm'),
    /^otpauth:\/\/totp\/llm:ada%40example\.org\?secret=GEZDGNBVGY3T/,
  );
});
