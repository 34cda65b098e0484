import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Surface } from '../kernel/exchange.ts';
import { deny, reasons, type ReasonCode } from '../kernel/reasons.ts';
import { renderProblem } from './problem.ts';
import { renderDenial, renderStreamError } from './render.ts';

const CODES = Object.keys(reasons).filter((code): code is ReasonCode => Object.hasOwn(reasons, code));
const ID = 'req_1';

function headersOf(flat: readonly string[]): Map<string, string> {
  assert.equal(flat.length % 2, 0);
  const names = flat.filter((_, i) => i % 2 === 0);
  assert.equal(new Set(names).size, names.length, 'no header twice');
  return new Map(names.map((name, i) => [name, flat[2 * i + 1] ?? '']));
}

const typeOf = (status: number): string =>
  status >= 500
    ? 'server_error'
    : ({ 401: 'authentication_error', 403: 'permission_error', 429: 'rate_limit_error' }[status] ??
      'invalid_request_error');

for (const code of CODES) {
  const row = reasons[code];
  const denial = deny(code, { param: 'messages[2].content' });
  const openai = {
    error: { message: row.message, type: typeOf(row.status), param: 'messages[2].content', code, request_id: ID },
  };
  const bodies: Record<Surface, unknown> = {
    openai,
    responses: openai,
    anthropic: {
      type: 'error',
      error: { type: row.anthropicType, message: row.message, code, param: 'messages[2].content', request_id: ID },
      request_id: ID,
    },
    oauth: {
      error: row.oauthError,
      error_description: row.message.replaceAll('"', "'").replaceAll('§', 'section '),
      code,
      request_id: ID,
    },
  };
  for (const surface of ['openai', 'responses', 'anthropic', 'oauth'] as const) {
    test(`${code} has status ${row.status} and exactly the fields of the ${surface} surface`, () => {
      const { status, headers, body } = renderDenial(denial, surface, ID);
      assert.equal(status, row.status);
      assert.equal(headersOf(headers).get('content-type'), 'application/json');
      assert.deepEqual(JSON.parse(body), bodies[surface]);
      assert.equal(JSON.stringify(JSON.parse(body)), JSON.stringify(bodies[surface]), 'in this order');
    });
    if (surface === 'responses') continue;
    test(`${code} ends a stream of the ${surface} surface with one event that holds the same body`, () => {
      const event = renderStreamError(denial, surface, ID, 7);
      const head = surface === 'anthropic' ? 'event: error\ndata: ' : 'data: ';
      assert.equal(event, `${head}${renderDenial(denial, surface, ID).body}\n\n`);
      assert.equal(event.split('\n').length, head.split('\n').length + 2, 'one event of whole lines');
    });
  }
  test(`${code} ends a stream of the responses surface with its own error event`, () => {
    const { message, code: said, param } = denial;
    assert.equal(
      renderStreamError(denial, 'responses', ID, 7),
      `event: error\ndata: ${JSON.stringify({ type: 'error', code: said, message, param, sequence_number: 7 })}\n\n`,
    );
  });
  test(`${code} is a problem of RFC 9457 on the admin API`, () => {
    const { status, headers, body } = renderProblem(denial, ID);
    assert.equal(status, row.status);
    assert.equal(headersOf(headers).get('content-type'), 'application/problem+json');
    const problem: unknown = JSON.parse(body);
    assert.deepEqual(problem, {
      type: `urn:sallyport:reason:${code}`,
      title: code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' '),
      status,
      detail: row.message,
      code,
      param: 'messages[2].content',
      request_id: ID,
    });
  });
  test(`${code} carries a challenge only for what a credential could mend`, () => {
    const challenge = headersOf(renderDenial(deny(code), 'openai', ID).headers).has('www-authenticate');
    assert.equal(challenge, row.status === 401 || code === 'insufficient_scope');
  });
  test(`${code} carries Retry-After exactly when it says so`, () => {
    const headers = headersOf(renderDenial(deny(code), 'openai', ID).headers);
    assert.equal(headers.get('retry-after'), row.retry === 'after' || row.status === 429 ? '1' : undefined);
    assert.equal(
      headers.get('x-should-retry'),
      ['too_many_failures', 'budget_exhausted', 'quarantined', 'stopped'].includes(code) ? 'false' : undefined,
    );
  });
}

test('a field that no mistake is in is null, not missing', () => {
  assert.match(renderDenial(deny('invalid_json'), 'openai', ID).body, /"param":null/);
  assert.match(renderDenial(deny('invalid_json'), 'anthropic', ID).body, /"param":null/);
  assert.match(renderProblem(deny('invalid_json'), ID).body, /"param":null/);
});

for (const { retryAfterMs, seconds, ms } of [
  { retryAfterMs: 0, seconds: '1', ms: '1' },
  { retryAfterMs: 0.2, seconds: '1', ms: '1' },
  { retryAfterMs: 1000, seconds: '1', ms: '1000' },
  { retryAfterMs: 1000.5, seconds: '2', ms: '1001' },
  { retryAfterMs: 59_999, seconds: '60', ms: '59999' },
  { retryAfterMs: 60_000, seconds: '60', ms: undefined },
  { retryAfterMs: 60_001, seconds: '61', ms: undefined },
])
  test(`a wait of ${retryAfterMs} ms is rounded up, and given in milliseconds only below a minute`, () => {
    const headers = headersOf(renderDenial(deny('rate_limited', { retryAfterMs }), 'openai', ID).headers);
    assert.equal(headers.get('retry-after'), seconds);
    assert.equal(headers.get('retry-after-ms'), ms);
  });

test('a method that is not allowed is answered with those that are', () => {
  const { headers } = renderDenial(deny('method_not_allowed', { allow: 'GET, HEAD' }), 'openai', ID);
  assert.equal(headersOf(headers).get('allow'), 'GET, HEAD');
});

for (const [code, challenge] of [
  ['missing_credential', 'Bearer realm="sallyport"'],
  [
    'invalid_credential',
    'Bearer realm="sallyport", error="invalid_token", error_description="The credential is not valid. Check that the API key or access token was copied whole."',
  ],
] as const)
  test(`the challenge of ${code} is that of RFC 6750 section 3`, () => {
    assert.equal(headersOf(renderDenial(deny(code), 'openai', ID).headers).get('www-authenticate'), challenge);
  });

test('the challenge of insufficient_scope names the scope', () => {
  const denial = deny('insufficient_scope', { message: 'No.', scope: 'inference:chat' });
  assert.equal(
    headersOf(renderDenial(denial, 'openai', ID).headers).get('www-authenticate'),
    'Bearer realm="sallyport", error="insufficient_scope", error_description="No.", scope="inference:chat"',
  );
});

test('a challenge names the resource metadata where issuers are trusted', () => {
  const url = 'https://llm.example.org/.well-known/oauth-protected-resource';
  const offer = { resourceMetadata: url, dpopAlgorithms: undefined };
  assert.equal(
    headersOf(renderDenial(deny('missing_credential'), 'openai', ID, offer).headers).get('www-authenticate'),
    `Bearer realm="sallyport", resource_metadata="${url}"`,
  );
});

test('no message can break out of a header, an event or its JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, param) => {
      const denial = deny('invalid_credential', { message, param, scope: message });
      for (const surface of ['openai', 'responses', 'anthropic', 'oauth'] as const) {
        const { headers, body } = renderDenial(denial, surface, ID);
        for (const value of headers) assert.match(value, /^[\x20-\x7e]*$/);
        const quotes = headers[headers.indexOf('www-authenticate') + 1]?.match(/"/g)?.length;
        assert.equal(quotes, 8, 'four quoted strings, no more');
        JSON.parse(body);
        assert.equal(
          renderStreamError(denial, surface, ID, 0).trimEnd().split('\n').length,
          surface === 'anthropic' || surface === 'responses' ? 2 : 1,
        );
      }
    }),
  );
});
