import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RequestHead } from '../kernel/transport.ts';
import { parseRequestHead } from './request-head.ts';

const RULES = { maxHeaders: 8, hosts: new Set<string>() };
const HOST = ['Host', 'gate.example:8443'];

const head = (change: Partial<RequestHead> = {}): RequestHead => ({
  method: 'POST',
  target: '/v1/chat/completions',
  httpVersion: '1.1',
  rawHeaders: HOST,
  ...change,
});
const codeOf = (change: Partial<RequestHead>, rules = RULES): string => {
  const parsed = parseRequestHead(head(change), rules);
  return 'code' in parsed ? parsed.code : 'accepted';
};

const TARGETS: readonly [target: string, code: string][] = [
  ['/v1/chat/completions', 'accepted'],
  ['/v1/chat/completions?beta=true', 'accepted'],
  ['/', 'accepted'],
  ['/v1/models/Org%20Name', 'accepted'],
  ['/v1/models/%C3%BC', 'accepted'],
  ['/v1/chat/completions/', 'accepted'],
  ['/a?x=//../%2e', 'accepted'],
  ['//v1/chat/completions', 'invalid_request'],
  ['/v1//chat', 'invalid_request'],
  ['/v1/./chat', 'invalid_request'],
  ['/v1/../chat', 'invalid_request'],
  ['/v1/..', 'invalid_request'],
  ['/v1/chat%2fcompletions', 'invalid_request'],
  ['/v1/chat%2Fcompletions', 'invalid_request'],
  ['/v1/chat%5ccompletions', 'invalid_request'],
  ['/v1/%2e%2e/chat', 'invalid_request'],
  ['/v1/ch%61t/completions', 'invalid_request'],
  ['/v1/%43hat', 'invalid_request'],
  ['/v1/chat%00', 'invalid_request'],
  ['/v1/chat%252f', 'invalid_request'],
  ['/v1/chat%3bx', 'invalid_request'],
  ['/v1/chat%c0%af', 'invalid_request'],
  ['/v1/chat;x=1', 'invalid_request'],
  ['/v1\\chat', 'invalid_request'],
  ['/v1/chat#x', 'invalid_request'],
  ['/v1/chat%zz', 'invalid_request'],
  ['/v1/chat%', 'invalid_request'],
  ['/v1/cha t', 'invalid_request'],
  ['/v1/ü', 'invalid_request'],
  ['v1/chat', 'invalid_request'],
  ['*', 'invalid_request'],
  ['http://gate.example:8443/v1/chat/completions', 'accepted'],
  ['HTTP://GATE.example:8443/v1/chat/completions', 'accepted'],
  ['http://evil.example/v1/chat/completions', 'invalid_request'],
  ['http://gate.example/v1/chat/completions', 'invalid_request'],
  ['http://a@gate.example:8443/v1/chat', 'invalid_request'],
  ['ftp://gate.example:8443/v1/chat', 'invalid_request'],
];

for (const [target, code] of TARGETS) {
  test(`the target ${target} is ${code}`, () => assert.equal(codeOf({ target }), code));
}

test('the absolute form of our own host is read as its path', () => {
  const parsed = parseRequestHead(head({ target: 'http://gate.example:8443?x' }), RULES);
  assert.equal('path' in parsed && parsed.path, '/');
});

const HEADERS: readonly [title: string, change: Partial<RequestHead>, code: string][] = [
  ['no Host', { rawHeaders: [] }, 'invalid_request'],
  ['no Host in HTTP/1.0', { rawHeaders: [], httpVersion: '1.0' }, 'accepted'],
  ['two Hosts', { rawHeaders: [...HOST, 'host', 'gate.example:8443'] }, 'invalid_request'],
  ['a Host with user', { rawHeaders: ['Host', 'a@b'] }, 'invalid_request'],
  ['a Host with path', { rawHeaders: ['Host', 'a/b'] }, 'invalid_request'],
  ['an empty Host', { rawHeaders: ['Host', ''] }, 'invalid_request'],
  ['an IPv6 Host', { rawHeaders: ['Host', '[::1]:8443'] }, 'accepted'],
  ['two Content-Lengths', { rawHeaders: [...HOST, 'Content-Length', '3', 'content-length', '3'] }, 'invalid_request'],
  ['a signed Content-Length', { rawHeaders: [...HOST, 'Content-Length', '+3'] }, 'invalid_request'],
  ['a huge Content-Length', { rawHeaders: [...HOST, 'Content-Length', '9'.repeat(16)] }, 'invalid_request'],
  ['chunked', { rawHeaders: [...HOST, 'Transfer-Encoding', 'Chunked'] }, 'accepted'],
  ['gzip, chunked', { rawHeaders: [...HOST, 'Transfer-Encoding', 'gzip, chunked'] }, 'not_implemented'],
  ['chunked, chunked', { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked, chunked'] }, 'not_implemented'],
  ['identity', { rawHeaders: [...HOST, 'Transfer-Encoding', 'identity'] }, 'not_implemented'],
  [
    'two Transfer-Encodings',
    { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'] },
    'invalid_request',
  ],
  [
    'chunked in HTTP/1.0',
    { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked'], httpVersion: '1.0' },
    'invalid_request',
  ],
  [
    'chunked and a length',
    { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked', 'Content-Length', '3'] },
    'invalid_request',
  ],
  ['two Content-Types', { rawHeaders: [...HOST, 'Content-Type', 'a', 'Content-Type', 'a'] }, 'invalid_request'],
  ['two Authorizations', { rawHeaders: [...HOST, 'Authorization', 'a', 'authorization', 'a'] }, 'ambiguous_credential'],
  ['two x-api-keys', { rawHeaders: [...HOST, 'x-api-key', 'a', 'X-Api-Key', 'a'] }, 'ambiguous_credential'],
  [
    'as many headers as allowed',
    { rawHeaders: [...HOST, ...Array.from({ length: 7 }, (_, i) => [`x${i}`, '']).flat()] },
    'accepted',
  ],
  [
    'one header more',
    { rawHeaders: [...HOST, ...Array.from({ length: 8 }, (_, i) => [`x${i}`, '']).flat()] },
    'headers_too_large',
  ],
  ['100-continue', { rawHeaders: [...HOST, 'Expect', '100-Continue'] }, 'accepted'],
  ['another expectation', { rawHeaders: [...HOST, 'Expect', 'magic'] }, 'expectation_failed'],
  ['TRACE', { method: 'TRACE' }, 'not_implemented'],
  ['a made-up method', { method: 'PROPFIND' }, 'not_implemented'],
  ['OPTIONS *', { method: 'OPTIONS', target: '*' }, 'accepted'],
];

for (const [title, change, code] of HEADERS)
  test(`a head with ${title} is ${code}`, () => assert.equal(codeOf(change), code));

test('a header with an underscore does not stand in for one with a hyphen', () => {
  const parsed = parseRequestHead(head({ rawHeaders: [...HOST, 'Content_Length', '3', 'x_api_key', 'k'] }), RULES);
  assert.ok('path' in parsed);
  assert.equal(parsed.hasBody, false);
  assert.equal(parsed.headers.size, 1);
});

test('a header on several lines is one list in their order, a credential among them never', () => {
  const lines = ['X-Forwarded-For', '6.6.6.6', 'accept', 'a', 'x-forwarded-for', '1.1.1.1, 2.2.2.2', 'Accept', 'b'];
  const parsed = parseRequestHead(head({ rawHeaders: [...HOST, ...lines] }), RULES);
  assert.ok('path' in parsed);
  assert.equal(parsed.headers.get('x-forwarded-for'), '6.6.6.6, 1.1.1.1, 2.2.2.2');
  assert.equal(parsed.headers.get('accept'), 'a, b');
});

test('with a list of hosts only those are served, but health always', () => {
  const rules = { maxHeaders: 8, hosts: new Set(['api.example']) };
  assert.equal(codeOf({}, rules), 'invalid_request');
  assert.equal(codeOf({ rawHeaders: ['Host', 'API.example'] }, rules), 'accepted');
  assert.equal(codeOf({ target: '/healthz' }, rules), 'accepted');
});

test('of every target either nothing is made or a path that is its own only spelling', () => {
  const alphabet = fc.constantFrom(
    '/',
    '.',
    '%',
    '2',
    'f',
    'e',
    'F',
    'a',
    ';',
    '\\',
    '?',
    '#',
    'v',
    '\0',
    ' ',
    ':',
    '@',
  );
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 12 }), (characters) => {
      const parsed = parseRequestHead(head({ target: `/${characters.join('')}` }), RULES);
      if ('code' in parsed) return;
      const { path } = parsed;
      assert.equal(new URL(path, 'http://h').pathname, path, 'a browser reads the same path');
      const decoded = path.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      assert.doesNotMatch(decoded, /\/\/|\/\.\.?(\/|$)|[;\\\0]/);
    }),
    { numRuns: 2_000 },
  );
});
