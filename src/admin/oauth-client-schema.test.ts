import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientWish } from './oauth-client-schema.ts';

const wish = (change: object) =>
  clientWish.safeParse({ name: 'a', grants: ['authorization_code'], scopes: ['inference:chat'], ...change }).success;

test('AZ-02 an answer goes to https, to this device, or to an app by the name of its domain', () => {
  for (const uri of [
    'https://app.example.org/callback',
    'http://127.0.0.1/callback',
    'http://[::1]:8123/callback',
    'com.example.app:/callback',
  ]) {
    assert.ok(wish({ redirectUris: [uri] }), uri);
  }
  for (const uri of [
    'http://app.example.org/callback',
    'https://*.example.org/callback',
    'https://app.example.org/callback#part',
    'https://user:pass@app.example.org/',
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'myapp:/callback',
    '/callback',
    'https://app.example.org/a b',
  ]) {
    assert.ok(!wish({ redirectUris: [uri] }), uri);
  }
});

test('CA-06 keys of a client come by value, never by a URL that we would have to fetch', () => {
  assert.ok(!wish({ jwksUri: 'https://client.example.org/keys' }));
  assert.ok(!wish({ jwks_uri: 'https://client.example.org/keys' }));
  assert.ok(!wish({ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }));
  assert.ok(!wish({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b', d: 'c' }] } }));
});
