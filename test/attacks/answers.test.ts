import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswers } from './answers.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const bodies = (bytes: string, methods = ['POST']): string[] => parseAnswers(bytes, methods).map(({ body }) => body);

test('a counted, a chunked and a bodiless answer behind each other are three', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n';
  assert.deepEqual(bodies(`${OK}${chunked}HTTP/1.1 204 No Content\r\n\r\n`), ['ok', 'a0123456789', '']);
});

test('an interim answer is skipped', () => {
  assert.deepEqual(bodies(`HTTP/1.1 100 Continue\r\n\r\n${OK}`), ['ok']);
});

test('the answer to HEAD has no body whatever its length says', () => {
  assert.deepEqual(bodies(`HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${OK}`, ['HEAD', 'POST']), ['', 'ok']);
});

test('an answer without length ends with the connection', () => {
  assert.deepEqual(bodies(`HTTP/1.1 200 OK\r\n\r\n${OK}`), [OK]);
});

for (const [name, bytes] of [
  ['bytes that are no answer', 'hello'],
  ['bytes behind an answer', `${OK}x`],
  ['a body that is cut', OK.slice(0, -1)],
  ['a head that is cut', OK.slice(0, 20)],
  ['a chunk without end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n'],
  ['chunks without the last one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
] as const) {
  test(`${name} are no sequence of answers`, () => {
    assert.throws(() => parseAnswers(bytes, ['POST']));
  });
}
