import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, fakeDownstream } from '../../test/support/exchange.ts';
import type { OpenRoute } from '../kernel/exchange.ts';
import type { JsonObject } from '../kernel/json.ts';
import { maxEventBytes } from './event-bound.ts';

const MIB = 1024 * 1024;

function bound(family: OpenRoute['family'], body: JsonObject, sentBytes: number): number {
  const route: OpenRoute = { id: family, family, method: 'POST', path: '/v1/x', scope: 'inference:chat' };
  const output = 'max_output_tokens' in body ? { name: 'max_output_tokens', isOurs: true } : undefined;
  const request = { model: 'tiny', body, isStream: true, wantsUsage: true, adjusted: [], output };
  return maxEventBytes(exchange(fakeDownstream(), { route, request }), sentBytes);
}

for (const { name, family, body, sentBytes, bytes } of [
  { name: 'chat is 1 MiB, whatever was sent', family: 'chat', body: {}, sentBytes: 4 * MIB, bytes: MIB },
  {
    name: 'a response grows with its echo and with its output',
    family: 'responses',
    body: { max_output_tokens: 65_536 },
    sentBytes: 4 * MIB,
    bytes: MIB + 4 * MIB + MIB,
  },
  {
    name: 'a response with probabilities has room for those',
    family: 'responses',
    body: { max_output_tokens: 2048, include: ['message.output_text.logprobs'] },
    sentBytes: 100,
    bytes: MIB + 100 + 2048 * (16 + 192),
  },
  {
    // About 100 bytes each: {"token":" the","logprob":-17.25163459777832,"bytes":[32,116,104,101]}
    name: 'a response with the probabilities of as many others as a raised cap allows has room for all',
    family: 'responses',
    body: { max_output_tokens: 2048, include: ['message.output_text.logprobs'], top_logprobs: 20 },
    sentBytes: 100,
    bytes: MIB + 100 + 2048 * (16 + 21 * 192),
  },
  {
    name: 'a response is never more than an answer in one piece',
    family: 'responses',
    body: { max_output_tokens: 131_072, include: ['message.output_text.logprobs'], top_logprobs: 5 },
    sentBytes: 100,
    bytes: 64 * MIB,
  },
  {
    name: 'a response of any length is an answer in one piece',
    family: 'responses',
    body: {},
    sentBytes: 1,
    bytes: 64 * MIB,
  },
] satisfies readonly {
  name: string;
  family: OpenRoute['family'];
  body: JsonObject;
  sentBytes: number;
  bytes: number;
}[]) {
  test(`an event of ${name}`, () => assert.equal(bound(family, body, sentBytes), bytes));
}
