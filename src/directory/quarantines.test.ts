import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHoldable } from './quarantines.ts';

for (const [name, is] of [
  ['key:Ab12Cd', true],
  ['subject:https://issuer.example alice', true],
  ['subject:own Ada Lovelace 🐘', true],
  ['token:https://issuer.example 0123', true],
  ['key:', false],
  ['key:a b', false],
  ['tenant:acme', false],
  ['network:192.0.2.1', false],
  ['subject:undefined alice', false],
  ['subject:https://issuer.example', false],
  ['subject:https://issuer.example a\u001b[2J', false],
  ['subject:https://issuer.example a\nb', false],
  ['subject:https://issuer.example \ud800', false],
  [`subject:https://issuer.example ${'x'.repeat(513)}`, false],
] as const) {
  test(`${JSON.stringify(name.slice(0, 60))} ${is ? 'can' : 'cannot'} be held`, () =>
    assert.equal(isHoldable(name), is));
}
