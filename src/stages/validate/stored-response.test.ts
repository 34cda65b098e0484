import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alice, exchange, fakeDownstream } from '../../../test/support/exchange.ts';
import { deny } from '../../kernel/reasons.ts';
import { caller } from '../../vllm/fields/testing.fixture.ts';
import { createHeldOutput } from './held-output.ts';
import { storedResponseRequest } from './stored-response.ts';

const held = { upstream: 'main', id: 'resp_held', model: 'tiny' };
const owner = caller({ openResponse: (id) => (id === 'resp_mine' ? held : undefined) });

function ask(path: string, query = '') {
  const peer = fakeDownstream();
  const head = { method: 'GET', path, headers: new Map<string, string>(), hasBody: false, isUpgrade: false };
  const downstream = { ...peer, head: { ...peer.head, target: path + query } };
  return storedResponseRequest(exchange(downstream, { head, principal: alice }), owner);
}

test("the owner's id, read and cancelled, is a request without a body for what it leads to", () => {
  const request = { model: 'tiny', body: {}, isStream: false, wantsUsage: true, adjusted: [], output: undefined, held };
  for (const path of ['/v1/responses/resp_mine', '/v1/responses/resp_mine/cancel']) {
    assert.deepEqual(ask(path), request);
    for (const query of ['?', '?beta=true', '?stream=false', '?include=stream', '?starting_after=1']) {
      assert.deepEqual(ask(path, query), request, query);
    }
  }
});

test("any other id is unknown_response, upstream's own among them", () => {
  for (const id of ['resp_held', 'resp_theirs', 'mine', '', 'cancel']) {
    assert.deepEqual(ask(`/v1/responses/${id}`), deny('unknown_response'), id);
    assert.deepEqual(ask(`/v1/responses/${id}`, '?stream=true'), deny('unknown_response'), id);
  }
});

test('a wish for a stream is invalid_request: JSON would be an empty stream to an SDK', () => {
  for (const query of ['?stream=true', '?stream=1', '?a=b&stream=True', '?stream=false&stream=true', '?stream']) {
    const denial = ask('/v1/responses/resp_mine', query);
    assert.ok('code' in denial, query);
    assert.deepEqual([denial.code, denial.param], ['invalid_request', 'stream']);
  }
});

const said = (text: string) => [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }];
for (const mode of ['deny', 'neutralise'] as const) {
  test(`where control tokens are to ${mode}, what a model spelt of them is not continued`, () => {
    const judge = createHeldOutput(mode, ['<MINE>']);
    for (const text of ['<|im_start|>', 'a <MINE> b']) {
      const denial = judge('tiny', said(text));
      assert.deepEqual([denial?.code, denial?.param], ['prompt_denied', 'previous_response_id'], text);
      assert.ok(!denial?.message.includes(text));
    }
    assert.equal(judge('tiny', said('a < b')), undefined);
    assert.equal(judge('tiny', []), undefined);
  });
}

test('where control tokens pass, they pass in what is continued, too', () => {
  assert.equal(createHeldOutput('pass', [])('tiny', said('<|im_start|>')), undefined);
});
