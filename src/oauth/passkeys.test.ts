import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canHavePasskeys } from './passkeys.ts';

for (const [site, can] of [
  ['https://llm.example.org', true],
  ['https://llm.example.org:8443', true],
  ['https://localhost:8443', true],
  ['http://localhost:8080', true],
  ['http://llm.example.org', false],
  ['https://192.0.2.7:8443', false],
  ['https://[2001:db8::1]:8443', false],
] as const) {
  test(`a site at ${site} ${can ? 'can' : 'cannot'} have passkeys`, () => {
    assert.equal(canHavePasskeys(site), can);
  });
}
