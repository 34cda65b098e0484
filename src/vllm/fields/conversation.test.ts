import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteFamily } from '../../kernel/exchange.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { beginningOf } from './conversation.ts';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = { role: 'system', content: 'be brief' };

const cases: readonly {
  readonly name: string;
  readonly family: RouteFamily;
  readonly turns: readonly [JsonObject, JsonObject];
  readonly other: JsonObject;
}[] = [
  {
    name: 'a chat',
    family: 'chat',
    turns: [
      { messages: [system, user('one')] },
      { messages: [system, user('one'), assistant('a'), user('two')], n: 2 },
    ],
    other: { messages: [system, user('another')] },
  },
  {
    name: 'a chat without a system prompt',
    family: 'chat',
    turns: [{ messages: [user('one')] }, { messages: [user('one'), assistant('a'), user('two')] }],
    other: { messages: [user('two')] },
  },
  {
    name: 'messages',
    family: 'messages',
    turns: [
      { system: 'be brief', messages: [user('one')] },
      { system: 'be brief', messages: [user('one'), assistant('a'), user('two')] },
    ],
    other: { system: 'be long', messages: [user('one')] },
  },
  {
    name: 'responses',
    family: 'responses',
    turns: [
      { instructions: 'be brief', input: [user('one')] },
      { instructions: 'be brief', input: [user('one'), assistant('a'), user('two')] },
    ],
    other: { input: [user('one')] },
  },
  {
    name: 'a prompt',
    family: 'completions',
    turns: [{ prompt: 'one' }, { prompt: 'one', max_tokens: 3 }],
    other: { prompt: 'two' },
  },
];

for (const { name, family, turns, other } of cases) {
  test(`the turns of ${name} begin alike, and another one begins otherwise`, () => {
    const [first, second] = turns.map((body) => beginningOf(family, body));
    assert.equal(first, second);
    assert.notEqual(beginningOf(family, other), first);
  });
}

test('texts are kept apart, so that no other split of them begins alike', () => {
  const body = (...texts: string[]) => ({ messages: [user(texts[0] ?? ''), ...texts.slice(1).map(user)] });
  assert.notEqual(
    beginningOf('chat', body('ab')),
    beginningOf('chat', { messages: [{ role: 'use', content: 'rab' }] }),
  );
});

test('however long a body is, little of it is looked at', () => {
  const long = 'x'.repeat(1_000_000);
  const messages = Array.from({ length: 50 }, () => assistant(long));
  assert.equal(beginningOf('chat', { messages })?.length, 4096);
});

test('what is no conversation has no beginning', () => {
  assert.equal(beginningOf('embeddings', { input: 'one' }), undefined);
});
