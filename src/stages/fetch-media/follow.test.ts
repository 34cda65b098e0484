import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import type { MediaUrl } from '../../kernel/exchange.ts';
import type { MediaAnswer, MediaAsk } from './media-source.ts';
import { follow, redirectedUrl } from './follow.ts';

const START: MediaUrl = {
  host: 'img.example.org',
  port: 8443,
  path: '/a.png',
  canonical: 'https://img.example.org:8443/a.png',
};
const ASK: MediaAsk = { room: () => 100, take: () => true, signal: new AbortController().signal };
const BODY: MediaAnswer = { kind: 'body', bytes: Buffer.from('x') };

for (const { location, path } of [
  { location: '/b.png', path: '/b.png' },
  { location: '/b.png?size=1', path: '/b.png?size=1' },
  { location: 'https://img.example.org:8443/c', path: '/c' },
  { location: 'HTTPS://IMG.example.org:8443', path: '/' },
]) {
  test(`follows ${location}`, () => {
    const next = redirectedUrl(START, location);
    assert.deepEqual([next?.host, next?.port, next?.path], ['img.example.org', 8443, path]);
  });
}

for (const location of [
  'http://img.example.org:8443/a.png', // in the clear
  'https://img.example.org/a.png', // another port
  'https://img.example.org:443/a.png',
  'https://other.example.org:8443/a.png',
  'https://img.example.org.evil.example:8443/',
  'https://sub.img.example.org:8443/',
  '//other.example.org:8443/a.png',
  '/\\other.example.org/a.png',
  '\\\\other.example.org/a.png',
  'https://img.example.org:8443@192.0.2.7/',
  'https://user@img.example.org:8443/',
  'https://127.0.0.1:8443/',
  'https://2130706433:8443/',
  'https://0x7f.1:8443/',
  'https://[::1]:8443/',
  'https://[64:ff9b::a9fe:a9fe]:8443/',
  '/../a.png',
  '/%2e%2e/a.png',
  '/a.png#x',
  '/a b',
  '/a\r\nhost: x',
  '',
  'b.png',
  '?x',
  'file:///etc/passwd',
  'data:image/png;base64,AAAA',
]) {
  test(`does not follow ${JSON.stringify(location)}`, () => assert.equal(redirectedUrl(START, location), undefined));
}

test('follows nothing that leads to another host or port, whatever a server writes', () => {
  const part = fc.oneof(
    fc.constantFrom(
      'https://',
      'http://',
      '//',
      '/',
      '\\',
      '@',
      ':8443',
      ':80',
      'img.example.org',
      '127.1',
      '.',
      '#',
      '?',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const next = redirectedUrl(START, parts.join(''));
      if (next === undefined) return;
      const read = new URL(next.canonical);
      assert.deepEqual([read.protocol, read.hostname, read.port], ['https:', 'img.example.org', '8443']);
      assert.deepEqual([next.host, next.port], ['img.example.org', 8443]);
    }),
  );
});

for (const { redirects, kind } of [
  { redirects: 0, kind: 'body' },
  { redirects: 3, kind: 'body' },
  { redirects: 4, kind: 'failed' },
]) {
  test(`${redirects} redirects end with ${kind}`, async () => {
    const asked: string[] = [];
    const source = {
      get(url: MediaUrl): Promise<MediaAnswer> {
        asked.push(url.path);
        const location = `/${asked.length}.png`;
        return Promise.resolve(asked.length <= redirects ? { kind: 'redirect', location } : BODY);
      },
    };
    assert.equal((await follow(source, START, ASK)).kind, kind);
    assert.equal(asked.length, Math.min(redirects, 3) + 1);
  });
}
