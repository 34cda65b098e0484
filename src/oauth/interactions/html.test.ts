import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { errorPage, html, page, pagePolicy } from './html.ts';

test('whatever is put into a page is text there, in content and in attributes', () => {
  const evil = `"><script>alert('1')</script>&amp;`;
  const { text } = html`<p title="${evil}">${evil}</p>`;
  const safe = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;';
  assert.equal(text, `<p title="${safe}">${safe}</p>`);
  assert.doesNotMatch(errorPage('https://llm.example.org', evil, evil), /<script/);
  assert.doesNotMatch(page({ title: evil, site: 'https://llm.example.org', body: html``, error: evil }), /<script/);
});

test('pieces are put together as they are, numbers and nothing too', () => {
  const items = [1, 2].map((n) => html`<li>${n}</li>`);
  const { text } = html`<ul>
      ${items}
    </ul>
    ${undefined}`;
  assert.equal(text.replace(/\s/g, ''), '<ul><li>1</li><li>2</li></ul>');
});

test('the policy names the style of the page by its hash', () => {
  const text = page({ title: 'x', site: 'https://llm.example.org', body: html`` });
  const style = /<style>(.*)<\/style>/s.exec(text)?.[1] ?? '';
  assert.ok(pagePolicy().includes(`style-src 'sha256-${hash('sha256', style, 'base64')}'`));
});

for (const [uri, target] of [
  ['https://app.example.org/callback?x=1', 'https://app.example.org'],
  ['http://127.0.0.1:49152/callback', 'http://127.0.0.1:49152'],
  ['http://[::1]:49152/callback', 'http:'],
  ['com.example.app:/callback', 'com.example.app:'],
] as const) {
  test(`a form whose answer goes to ${uri} may lead to ${target}`, () => {
    assert.ok(pagePolicy(uri).includes(`form-action 'self' ${target};`));
  });
}
