import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../fields/refusal.ts';
import { parseMediaUrl } from './remote-url.ts';

const HOSTS = ['img.example.org', '*.CDN.example.org', 'other.example.org:8443'];

for (const [url, canonical] of [
  ['https://img.example.org/a.png', 'https://img.example.org/a.png'],
  ['https://IMG.Example.ORG/A.png?w=1&h=%C3%A9', 'https://img.example.org/A.png?w=1&h=%C3%A9'],
  ['HTTPS://img.example.org', 'https://img.example.org/'],
  ['https://img.example.org?x=1', 'https://img.example.org/?x=1'],
  ['https://img.example.org:443/', 'https://img.example.org/'],
  ['https://a.cdn.example.org/@x', 'https://a.cdn.example.org/@x'],
  ['https://a.b.cdn.example.org/a..b/...', 'https://a.b.cdn.example.org/a..b/...'],
  ['https://other.example.org:8443/', 'https://other.example.org:8443/'],
  ['https://img.example.org/?u=/../', 'https://img.example.org/?u=/../'],
] as const) {
  test(`reads ${url}`, () => {
    const parsed = parseMediaUrl(url, HOSTS);
    assert.ok(!(parsed instanceof Refusal));
    assert.equal(parsed.canonical, canonical);
    const { hostname, port, pathname, search } = new URL(url);
    assert.equal(parsed.host, hostname);
    assert.equal(parsed.port, Number(port || 443));
    assert.equal(parsed.path, pathname + search);
  });
}

const INVALID = 'invalid_field';
for (const [url, code] of [
  ['http://img.example.org/', INVALID],
  ['file:///etc/passwd', INVALID],
  ['ftp://img.example.org/', INVALID],
  ['https:/img.example.org/', INVALID],
  ['https:img.example.org/', INVALID],
  ['//img.example.org/', INVALID],
  ['https://user@img.example.org/', INVALID],
  ['https://user:word@img.example.org/', INVALID],
  ['https://img.example.org@127.0.0.1/', INVALID],
  ['https://127.0.0.1#@img.example.org/', INVALID],
  ['https://127.0.0.1\\@img.example.org/', INVALID],
  ['https://img.example.org\\.evil.example/', INVALID],
  ['https:\\\\img.example.org/', INVALID],
  ['https://img.example.org/a#b', INVALID],
  ['https://img.example.org/a b', INVALID],
  ['https://img.example.org/a\tb', INVALID],
  ['https://img.example.org/a\nb', INVALID],
  [' https://img.example.org/', INVALID],
  ['https://img.example.org/\0', INVALID],
  ['https://img.example.org/%00', INVALID],
  ['https://img.example.org/%zz', INVALID],
  ['https://img.example.org/é', INVALID],
  ['https://ｉmg.example.org/', INVALID],
  ['https://img。example.org/', INVALID],
  ['https://img.example.org./', INVALID],
  ['https://.img.example.org/', INVALID],
  ['https://img..example.org/', INVALID],
  ['https://-img.example.org/', INVALID],
  ['https://img_.example.org/', INVALID],
  ['https:///a', INVALID],
  ['https://img.example.org:/', INVALID],
  ['https://img.example.org:0/', INVALID],
  ['https://img.example.org:0443/', INVALID],
  ['https://img.example.org:65536/', 'value_out_of_range'],
  ['https://img.example.org:65535/', 'forbidden_field'],
  ['https://img.example.org/a/../b', INVALID],
  ['https://img.example.org/a/%2E%2e/b', INVALID],
  ['https://img.example.org/.', INVALID],
  ['https://127.0.0.1/', INVALID],
  ['https://2130706433/', INVALID],
  ['https://0177.0.0.1/', INVALID],
  ['https://0x7f.0.0.1/', INVALID],
  ['https://0x7f000001/', INVALID],
  ['https://127.1/', INVALID],
  ['https://0/', INVALID],
  ['https://0x/', INVALID],
  ['https://a.0x1/', INVALID],
  ['https://[::1]/', INVALID],
  ['https://[::ffff:127.0.0.1]/', INVALID],
  ['https://[64:ff9b::7f00:1]/', INVALID],
  ['https://localhost/', 'forbidden_field'],
  ['https://evil.example/', 'forbidden_field'],
  ['https://img.example.org.evil.example/', 'forbidden_field'],
  ['https://ximg.example.org/', 'forbidden_field'],
  ['https://cdn.example.org/', 'forbidden_field'],
  ['https://xcdn.example.org/', 'forbidden_field'],
  ['https://other.example.org/', 'forbidden_field'],
  ['https://img.example.org:8443/', 'forbidden_field'],
  [`https://img.example.org/${'a'.repeat(2049 - 24)}`, 'value_out_of_range'],
] as const) {
  test(`refuses ${JSON.stringify(url).slice(0, 60)}`, () => {
    const parsed = parseMediaUrl(url, HOSTS);
    assert.ok(parsed instanceof Refusal);
    assert.equal(parsed.code, code);
  });
}

test('a URL of 2,048 characters is read', () => {
  assert.ok(!(parseMediaUrl(`https://img.example.org/${'a'.repeat(2048 - 24)}`, HOSTS) instanceof Refusal));
});

test('with an address on the list, an address is refused all the same', () => {
  for (const host of ['127.0.0.1', '2130706433', '10.0.0.1']) {
    assert.ok(parseMediaUrl(`https://${host}/`, [host, '*.0.0.1']) instanceof Refusal, host);
  }
});

test('an empty query is none', () => {
  for (const [url, path] of [
    ['https://img.example.org?', '/'],
    ['https://img.example.org/a?', '/a'],
    ['https://img.example.org/a??', '/a??'],
  ] as const) {
    const parsed = parseMediaUrl(url, HOSTS);
    assert.ok(!(parsed instanceof Refusal));
    assert.equal(parsed.path, path);
  }
});

test('whatever is accepted, the parser of the platform reads alike', () => {
  const parts = fc.constantFrom(
    ...[
      'https://',
      'img.example.org',
      'a.cdn.example.org',
      '@',
      ':',
      '443',
      '/',
      '//',
      '\\',
      '?',
      '#',
      '..',
      '.',
      '%2e',
    ],
    ...['%', 'a', '[::1]', '127.1', '\t', 'é', 'evil.example', '&=', '0x7f'],
  );
  const soup = fc.array(parts, { maxLength: 8 }).map((list) => `https://${list.join('')}`);
  fc.assert(
    fc.property(fc.oneof(soup, fc.webUrl(), fc.string({ unit: 'binary' })), (url) => {
      const parsed = parseMediaUrl(url, [...HOSTS, '*.com']);
      if (parsed instanceof Refusal) return;
      for (const text of [url, parsed.canonical]) {
        const { protocol, hostname, port, pathname, search, username, hash } = new URL(text);
        assert.deepEqual([protocol, username, hash], ['https:', '', '']);
        assert.deepEqual([hostname, Number(port || 443), pathname + search], [parsed.host, parsed.port, parsed.path]);
      }
      const again = parseMediaUrl(parsed.canonical, [...HOSTS, '*.com']);
      assert.deepEqual(again, parsed);
    }),
  );
});
