import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signBytes, signed } from '../support/issuer.ts';
import { BENCH_KEY, claimsOf, tokenBench } from '../support/token-bench.ts';

/** Attacks by the form of a token: two readers that see two tokens in one text (RFC 8725 §2.6, §3.14). */
const HEADER = '{"typ":"at+jwt","alg":"ES256","kid":"key-1"}';
const sign = (header: string, payload: string): string => signed(header, payload, BENCH_KEY);
const PAYLOAD = JSON.stringify(claimsOf());
const isRefused = /^(unknown|invalid_credential: no compact JWS)$/;

/** Signs whatever stands there, in whatever spelling: only the form is wrong. */
const signedText = (head: string, body: string): string => {
  const text = `${head}.${body}`;
  return `${text}.${signBytes('ES256', Buffer.from(text), BENCH_KEY.privateKey).toString('base64url')}`;
};
const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

test('accepts the token that all of these are made from', async () => {
  assert.equal(await tokenBench().outcome(sign(HEADER, PAYLOAD)), 'ok');
  assert.equal(await tokenBench().outcome(signedText(base64url(HEADER), base64url(PAYLOAD))), 'ok');
});

const good = sign(HEADER, PAYLOAD);
const [head = '', body = '', tail = ''] = good.split('.');

for (const [name, token] of [
  ['JW-01 five parts, as an encrypted token has', `${head}.${body}.${tail}.AAAA.AAAA`],
  ['JW-01 four parts', `${good}.${tail}`],
  ['JW-01 a dot at its end', `${good}.`],
  ['JW-01 dots at its end', `${good}...`],
  ['JW-01 a dot before it', `.${good}`],
  ['JW-01 two parts', `${head}.${body}`],
  ['JW-01 an empty payload', `${head}..${tail}`],
  ['JW-01 an empty header', `.${body}.${tail}`],
  ['JW-01 dots alone', '..'],
  ['JW-01 padding on its signature', `${good}=`],
  ['JW-01 padding on its signature to the full', `${good}==`],
  ['JW-01 padding on its header', `${head}=.${body}.${tail}`],
  ['JW-01 a plus and a slash of plain base64', `${head}.${body}.${tail.replace(/[A-Za-z0-9]{2}/, '+/')}`],
  ['JW-01 a space at its end', `${good} `],
  ['JW-01 a space before it', ` ${good}`],
  ['JW-01 a line break in its payload', `${head}.${body.slice(0, 20)}\n${body.slice(20)}.${tail}`],
  ['JW-01 a tab at its end', `${good}\t`],
  ['JW-01 an embedded NUL', `${head}.${body}\0.${tail}`],
  ['JW-01 a NUL at its end', `${good}\0`],
  ['JW-01 a percent escape', good.replace('.', '%2E')],
  ['JW-01 a dot of full width', good.replace('.', '\uff0e')],
  ['JW-01 a letter beyond ASCII that a latin1 reader would fold', `${head}.${body}\u0141.${tail}`],
] as const) {
  test(`${name}: denied`, async () => {
    assert.match(await tokenBench().outcome(token), isRefused);
  });
}

test('JW-01 denies the JSON serialisation, flattened and general, under either scheme', async () => {
  const it = tokenBench();
  const flat = JSON.stringify({ protected: head, payload: body, signature: tail });
  const general = JSON.stringify({ payload: body, signatures: [{ protected: head, signature: tail }] });
  for (const text of [flat, general, base64url(flat), `{"payload":"${body}"}.${body}.${tail}`]) {
    for (const scheme of ['bearer', 'dpop'] as const) assert.match(await it.outcome(text, { scheme }), isRefused);
  }
});

test('JW-01 denies spare bits: every other last letter that decodes to the same bytes', async () => {
  const it = tokenBench();
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  // The signature is 64 bytes: its last letter carries two bits, and the other four must be zero.
  const same = [...letters].filter(
    (letter) =>
      `${tail.slice(0, -1)}${letter}` !== tail &&
      Buffer.from(`${tail.slice(0, -1)}${letter}`, 'base64url').equals(Buffer.from(tail, 'base64url')),
  );
  assert.equal(same.length, 15);
  for (const letter of same) {
    assert.match(await it.outcome(`${head}.${body}.${tail.slice(0, -1)}${letter}`), isRefused, letter);
  }
  // The same in the payload, under a signature over exactly that spelling.
  const odd = base64url(PAYLOAD.replace('}', ',"pad":"xx"}').slice(0, -1) + '}'.padStart((PAYLOAD.length % 3) + 1));
  const spelt = [...letters].map((letter) => `${odd.slice(0, -1)}${letter}`);
  const accepted = [];
  for (const one of spelt) if ((await it.outcome(signedText(head, one))) === 'ok') accepted.push(one);
  assert.ok(accepted.length <= 1, String(accepted.length));
});

for (const [name, header, payload] of [
  ['a name twice in the header', '{"typ":"at+jwt","alg":"none","alg":"ES256","kid":"key-1"}', PAYLOAD],
  ['a name twice in the header, once escaped', '{"typ":"at+jwt","alg":"ES256","\\u0061lg":"ES256"}', PAYLOAD],
  ['a name twice in the payload', HEADER, PAYLOAD.replace('{', '{"sub":"admin",')],
  ['a name twice, deep in the payload', HEADER, PAYLOAD.replace('}', ',"cnf":{"jkt":"a","jkt":"b"}}')],
  ['a byte order mark', `\ufeff${HEADER}`, PAYLOAD],
  ['a byte order mark in the payload', HEADER, `\ufeff${PAYLOAD}`],
  ['a NUL escaped in a claim', HEADER, PAYLOAD.replace('user-1', 'user-1\\u0000admin')],
  ['a NUL in the JSON', HEADER, PAYLOAD.replace('user-1', 'user-1\0')],
  ['a NUL behind the JSON', HEADER, `${PAYLOAD}\0`],
  ['a lone surrogate', HEADER, PAYLOAD.replace('user-1', '\\ud800')],
  ['more behind the object', HEADER, `${PAYLOAD}{}`],
  ['a comment in the JSON', HEADER, PAYLOAD.replace('{', '{/* */')],
  ['single quotes', HEADER, PAYLOAD.replaceAll('"', "'")],
  ['a comma too many', HEADER, PAYLOAD.replace('}', ',}')],
  ['NaN as its end', HEADER, PAYLOAD.replace(/"exp":\d+/, '"exp":NaN')],
  ['an end that overflows', HEADER, PAYLOAD.replace(/"exp":\d+/, '"exp":1e400')],
  ['an end beyond exact integers', HEADER, PAYLOAD.replace(/"exp":\d+/, '"exp":9007199254740993')],
  ['deep nesting', HEADER, PAYLOAD.replace('}', `,"a":${'['.repeat(50)}${']'.repeat(50)}}`)],
  [
    'deep nesting that would break a walker',
    HEADER,
    PAYLOAD.replace('}', `,"a":${'['.repeat(4000)}${']'.repeat(4000)}}`),
  ],
  ['deep nesting in the header', `{"alg":"ES256","a":${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`, PAYLOAD],
  ['more names than any token has', HEADER, `{${Array.from({ length: 1100 }, (_, i) => `"${i}":0`).join()}}`],
] as const) {
  test(`JW-01 denies ${name}, though well signed`, async () => {
    assert.match(await tokenBench().outcome(sign(header, payload)), isRefused);
  });
}

test('JW-01 denies bytes that are no UTF-8, though well signed', async () => {
  const bytes = Buffer.from(PAYLOAD.replace('user-1', 'user-\xff'), 'latin1');
  assert.match(await tokenBench().outcome(signedText(head, base64url(bytes))), isRefused);
});

test('JW-01 a token of 12 KiB is read, one character more is not', async () => {
  const it = tokenBench();
  const sized = (chars: number): string => {
    for (let pad = Math.floor(chars * 0.7); ; pad++) {
      const token = it.token({ pad: 'x'.repeat(pad) });
      if (token.length >= chars) return token;
    }
  };
  const largest = [12_288, 12_287].map(sized).find(({ length }) => length <= 12_288) ?? '';
  assert.equal(await it.outcome(largest), 'ok');
  assert.equal(await it.outcome(sized(12_289)), 'invalid_credential: no compact JWS');
  assert.equal(await it.outcome(`${head}.${'A'.repeat(10_000_000)}.${tail}`), 'invalid_credential: no compact JWS');
});

test('a nested token in the payload is no payload', async () => {
  const it = tokenBench();
  assert.match(await it.outcome(sign('{"alg":"ES256","cty":"JWT","kid":"key-1"}', good)), isRefused);
});

test('__proto__ and constructor in a token are members like any other', async () => {
  const it = tokenBench();
  const payload = PAYLOAD.replace('}', ',"__proto__":{"scope":"admin:write"},"constructor":{"prototype":{"a":1}}}');
  assert.equal(await it.outcome(sign(HEADER, payload)), 'ok');
  assert.equal(({} as Record<string, unknown>)['scope'], undefined);
  const without = JSON.stringify(claimsOf({ scope: undefined, jti: 'b' })).replace(
    '}',
    ',"__proto__":{"scope":"admin:write"}}',
  );
  assert.deepEqual([...(await it.principal(sign(HEADER, without))).scopes], []);
});
