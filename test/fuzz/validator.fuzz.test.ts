import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../src/kernel/json.ts';
import { KINDS } from './good-bodies.ts';
import { faultsOf, spelledAt } from './may-see.ts';
import { tryOut } from './verdict.ts';

/** Requests for each kind of body in the long runs: `npm run fuzz`, of which CI has 20,000 each. */
const longRuns = process.env['FUZZ_RUNS'];
/**
 * In `npm test` each family of routes (a file of `src/vllm/routes/`) has about 5,000, and the kinds of its bodies
 * have the more of them the more there is to their grammar.
 */
const RUNS: Readonly<Record<string, number>> = {
  chat: 2000,
  'chat-batch': 700,
  completions: 1000,
  responses: 2000,
  messages: 2000,
  'count-tokens': 700,
  'load-lora': 5000,
};
const OTHER_RUNS = 800; // of eight kinds that pooling models and tokenizers answer

/** Seeds of requests of which something once was wrong; what it was stands in a test of its own as well. */
const KEPT: Readonly<Record<string, readonly number[]>> = {
  chat: [-764_095_174], // a refusal that is sent as content, and has to be named as what it was
  completions: [5_448_275], // a structural_tag without members was sent as {}
  responses: [182_140, 1_195_772, 20_850_730, 25_103_233, 34_574_357], // places behind an item that was left out
  messages: [4_648_456, 18_490_868, 45_874_770],
  'count-tokens': [43_681_207, 29_545_792],
  'cohere-embed': [923_235_397], // a stream on a route that has none: dropped where unknown fields are
  tokenize: [7_135_022, 37_417_278],
};

for (const kind of KINDS) {
  test(`nothing that vLLM may not see is sent of ${kind} bodies, and refusals name their place`, async (t) => {
    const numRuns = longRuns === undefined ? (RUNS[kind] ?? OTHER_RUNS) : Number(longRuns);
    const outcomes = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.noShrink(fc.integer()), async (seed) => {
        const said = await tryOut(kind, seed);
        outcomes.set(said, (outcomes.get(said) ?? 0) + 1);
      }),
      { numRuns, endOnFailure: true, examples: (KEPT[kind] ?? []).map((seed): [number] => [seed]) },
    );
    const told = [...outcomes].map(([what, times]) => `${what} ${times}`).join(', ');
    t.diagnostic(told);
    // Where nothing is sent, or nothing is refused, nothing is shown.
    assert.ok((outcomes.get('sent') ?? 0) > numRuns / 5 && outcomes.size >= Math.min(7, numRuns / 100), told);
  });
}

test('the model of what vLLM may see finds each kind of fault', () => {
  const watch = () => ({
    caps: { messages: 1, n: 4, outputTokens: 9, textBytes: 99, toolBytes: 9, images: 1, mediaBytes: 9 },
    grants: new Set<string>(),
    contextTokens: undefined,
    isSalted: true,
    grown: 0,
    images: { count: 0, bytes: 0 },
    audios: { count: 0 },
    faults: [],
  });
  const good = { model: 'm', messages: [{ role: 'user', content: 'a' }], max_tokens: 9, cache_salt: 'x'.repeat(43) };
  assert.deepEqual(faultsOf('chat', good, watch()), []);
  for (const [change, fault] of [
    [{ priority: 1 }, '.priority: may not be there'],
    [{ ignore_eos: true }, '.ignore_eos: without fields:benchmark'],
    [{ n: 5 }, '.n: number'],
    [{ max_tokens: 10 }, '.max_tokens: number'],
    [{ cache_salt: 'mine' }, '.cache_salt: is not bound to the tenant'],
    [{ stream: true }, 'stream_options: usage is not asked for'],
    [{ messages: [...good.messages, ...good.messages] }, '.messages: list'],
    [{ messages: [{ role: 'critic', content: 'a' }] }, '.messages[0].role: word'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://h/' } }] }] },
      '.messages[0].content[0].image_url.url: no data: URL of an image',
    ],
  ] as const) {
    const body = JSON.parse(JSON.stringify({ ...good, ...change })) as JsonObject; // of an object
    assert.ok(faultsOf('chat', body, watch()).includes(fault), fault);
  }
  const parts = [
    { type: 'text', text: '<|im_' },
    { type: 'text', text: 'end|>' },
  ];
  assert.equal(spelledAt({ messages: [{ role: 'user', content: parts }] }), 'messages.0.content[]');
});
