import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'node:test';
import { Refusal } from '../fields/refusal.ts';
import { mediaHostMistake } from './media-host.ts';
import { parseMediaUrl } from './remote-url.ts';

for (const host of [
  'images.example.org',
  'Images.Example.ORG',
  '*.example.org',
  'cdn',
  'xn--bcher-kva.example',
  'images.example.org:8443',
  '*.example.org:1',
  'a.example:65535',
  '1.example',
]) {
  test(`${host} may be listed`, () => assert.equal(mediaHostMistake(host), undefined));
}

for (const [host, hint] of [
  ['https://images.example.org', /without https/],
  ['images.example.org/', /without a path/],
  ['images.example.org/a', /without a path/],
  ['images.example.org?a', /without a path/],
  ['user@images.example.org', /user information/],
  ['*', /no other wildcard/],
  ['*.', /no other wildcard/],
  ['*.org', /no other wildcard/],
  ['*.*.example.org', /no other wildcard/],
  ['img*.example.org', /no other wildcard/],
  ['images.*.org', /no other wildcard/],
  ['', /no other wildcard/],
  ['127.0.0.1', /not an address/],
  ['127.1', /not an address/],
  ['2130706433', /not an address/],
  ['0x7f000001', /not an address/],
  ['0177.0.0.1', /not an address/],
  ['a.example.0x1', /not an address/],
  ['*.0.0.1', /not an address/],
  ['[::1]', /not an address/],
  ['[::1]:443', /not an address/],
  ['::1', /not an address/],
  ['fe80::1%eth0', /not an address/],
  ['64:ff9b::7f00:1', /not an address/],
  ['10.0.0.1:443', /not an address/],
  ['images.example.org:', /port from 1/],
  ['images.example.org:0', /port from 1/],
  ['images.example.org:65536', /port from 1/],
  ['images.example.org:443x', /port from 1/],
  ['images.example.org.', /host name in ASCII/],
  ['.example.org', /host name in ASCII/],
  ['images..example', /host name in ASCII/],
  ['bücher.example', /host name in ASCII/],
  ['a_b.example', /host name in ASCII/],
  ['-a.example', /host name in ASCII/],
  ['images.example.org ', /host name in ASCII/],
  [`${'a.'.repeat(130)}example`, /host name in ASCII/],
] as const) {
  test(`${JSON.stringify(host)} may not be listed`, () => assert.match(mediaHostMistake(host) ?? '', hint));
}

test('each name that may be listed opens its own URL, and the one above a wildcard stays closed', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(name, fc.option(fc.integer({ min: 1, max: 65_535 })), (host, port) => {
      const suffix = port === null ? '' : `:${port}`;
      if (mediaHostMistake(`${host}${suffix}`) !== undefined) return;
      const isOpen = (url: string, entry: string): boolean => !(parseMediaUrl(url, [entry]) instanceof Refusal);
      assert.ok(isOpen(`https://${host}${suffix}/`, `${host}${suffix}`));
      assert.equal(mediaHostMistake(`*.${host}${suffix}`), undefined);
      assert.ok(isOpen(`https://a.${host}${suffix}/`, `*.${host}${suffix}`));
      assert.ok(!isOpen(`https://${host}${suffix}/`, `*.${host}${suffix}`));
      assert.ok(!isOpen(`https://a${host}${suffix}/`, `*.${host}${suffix}`));
    }),
  );
});
