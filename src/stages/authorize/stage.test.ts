import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import type { RouteFamily } from '../../kernel/exchange.ts';
import { createAuthorize } from './stage.ts';

function decide(family: RouteFamily, isServed: boolean | undefined, models: readonly string[] = ['m'], made?: string) {
  const held = made === undefined ? {} : { held: { upstream: 'main', id: 'resp_1', model: made } };
  const x = exchange(fakeDownstream(), {
    principal: { ...alice, models: new Set(models) },
    route: { id: family, family, method: 'POST', path: '/', scope: 'inference:chat' },
    request: { model: 'm', body: {}, isStream: false, wantsUsage: false, adjusted: [], output: undefined, ...held },
  });
  const denial = createAuthorize({ isServed: () => isServed }).decide?.(Object.assign(x, { model: undefined }));
  assert.ok(!(denial instanceof Promise));
  return { code: denial?.code, param: denial?.param, model: x.model as string | undefined };
}

for (const { family, param } of [
  { family: 'chat', param: 'model' },
  { family: 'load-lora', param: 'lora_name' },
] as const) {
  test(`a name on ${family} that was not granted is model_not_allowed, whether or not it is served`, () => {
    for (const isServed of [true, false, undefined]) {
      assert.deepEqual(decide(family, isServed, ['other']), { code: 'model_not_allowed', param, model: undefined });
    }
  });
}

test('a granted model goes on where it is served or that is not known, and is unknown_model where nobody serves it', () => {
  for (const models of [['m'], ['*']]) {
    assert.equal(decide('chat', true, models).model, 'm');
    assert.equal(decide('chat', undefined, models).model, 'm');
    assert.deepEqual(decide('chat', false, models), { code: 'unknown_model', param: 'model', model: undefined });
  }
});

test('an adapter goes on where its name is free or that is not known, and gets no name that is served', () => {
  assert.equal(decide('load-lora', false).model, 'm');
  assert.equal(decide('load-lora', undefined).model, 'm');
  assert.deepEqual(decide('load-lora', true), { code: 'invalid_field', param: 'lora_name', model: undefined });
});

test('a stored response is read and cancelled by who is granted its model, whether or not it is served yet', () => {
  for (const isServed of [true, false, undefined]) {
    assert.equal(decide('stored-response', isServed, ['m'], 'm').model, 'm');
    const denial = { code: 'model_not_allowed', param: 'model', model: undefined };
    assert.deepEqual(decide('stored-response', isServed, ['other'], 'm'), denial);
  }
});

test('a response is continued by the model that made it: another one that is granted is no way to what it said', () => {
  assert.equal(decide('responses', true, ['m'], 'm').model, 'm');
  for (const models of [['m'], ['*'], ['m', 'other']]) {
    const denial = { code: 'invalid_field', param: 'model', model: undefined };
    assert.deepEqual(decide('responses', true, models, 'other'), denial);
  }
});
