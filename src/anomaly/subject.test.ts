import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marksOf, OWN_ISSUER } from '../directory/revocations.ts';
import { requestRecord, type Said } from './story.fixture.ts';
import { provenCredential } from './subject.ts';

const ISSUER = 'https://login.example';
const KNOWN = { timeMs: 0, network: '192.0.2.1', tenant: 'team' } as const;
const TOKEN = { ...KNOWN, issuer: ISSUER, subject: 'alice' } as const;

test('a credential has the name that it can be held by', () => {
  assert.equal(provenCredential(requestRecord({ ...KNOWN, keyId: 'Ab12cd' })), 'key:Ab12cd');
  const name = provenCredential(requestRecord(TOKEN));
  const facts = { tokenHash: 'h', issuer: ISSUER, subject: 'alice', clientId: 'c' } as Parameters<typeof marksOf>[0];
  for (const issuer of [ISSUER, OWN_ISSUER]) {
    assert.ok(name !== undefined && marksOf(facts, 'team', issuer, []).includes(name), `${name} of ${issuer}`);
  }
});

test('nothing is said of a credential that was not proven', () => {
  const unproven: readonly Partial<Said>[] = [{ status: 401 }, { code: 'invalid_credential' }, { tenant: undefined }];
  for (const more of unproven) assert.equal(provenCredential(requestRecord({ ...TOKEN, ...more })), undefined);
});
