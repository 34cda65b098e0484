import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { affects, isNamed, type Advisory } from '../advisories/advisory.ts';
import { knownAdvisories } from '../advisories/index.ts';
import { isAffected, parseRelease, type ReleaseRange } from '../release.ts';
import { routes } from '../routes/index.ts';
import { patches } from './index.ts';
import { activePatches, createPatchCheck, type PatchRow } from './patch.ts';
import { parsePatchRow } from './parse-patch-row.ts';

const asJson = (row: PatchRow): JsonValue => JSON.parse(JSON.stringify(row)) as JsonValue;

for (const row of patches) {
  const { id, stops, passes, on } = row;
  test(`the patch ${id} alone stops its sample and lets its twin pass`, () => {
    const check = createPatchCheck([row]);
    const refusal = check(stops.route, stops.body);
    assert.ok(refusal !== undefined);
    assert.deepEqual([refusal.code, refusal.patchId, refusal.message], ['advisory_blocked', id, row.message]);
    assert.match(refusal.path, /^[a-z]/);
    assert.equal(check(passes.route, passes.body), undefined);
  });

  test(`the patch ${id} looks only at the routes that it names`, () => {
    const ids = new Set(routes.map((route) => route.id));
    assert.deepEqual(
      [stops.route, passes.route, ...on].filter((route) => route !== '*' && !ids.has(route)),
      [],
    );
    const elsewhere = createPatchCheck([row])('version', stops.body);
    assert.equal(elsewhere === undefined, !on.includes('*'));
  });

  test(`the patch ${id} could be a row of an operator`, () => {
    const json = asJson(row);
    assert.deepEqual(parsePatchRow(json), json);
  });

  test(`the patch ${id} names advisories that are known, and is on wherever one of them is`, () => {
    assert.ok(row.advisories.length > 0);
    for (const name of row.advisories) {
      const advisory = knownAdvisories.find((known) => isNamed(known, name));
      assert.ok(advisory !== undefined, name);
      assert.equal(advisory.reach, 'blocks', name);
      for (const text of boundsOf(advisory)) {
        const release = parseRelease(text);
        if (affects(advisory, release)) assert.ok(isAffected(release, rangeOf(row)), `${name} on ${text}`);
      }
    }
  });
}

const rangeOf = ({ releases = {} }: PatchRow): ReleaseRange => releases;

/** Releases at which something begins or ends, and one on either side of each. */
function boundsOf(advisory: Advisory): readonly string[] {
  const bounds = [...knownAdvisories, advisory].flatMap(({ affected }) =>
    affected.flatMap(({ introduced, fixed, lastAffected }) => [introduced, fixed, lastAffected]),
  );
  return ['0.0.1', '0.33.0', ...bounds.filter((bound) => bound !== undefined)].flatMap((text) => [
    text,
    `${text}.post1`,
    `${text}.dev1`,
  ]);
}

test('ids of patches are kebab-case, and each is there once', () => {
  const ids = patches.map(({ id }) => id);
  assert.deepEqual(
    ids.filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)),
    [],
  );
  assert.equal(new Set(ids).size, ids.length);
});

test('every family of patches is in the list', () => {
  const list = readFileSync(new URL('index.ts', import.meta.url), 'utf8');
  const families = globSync('*.ts', { cwd: import.meta.dirname }).filter((path) =>
    readFileSync(new URL(path, import.meta.url), 'utf8').endsWith('satisfies PatchFamily;\n'),
  );
  assert.ok(families.length > 5);
  assert.deepEqual(
    families.filter((path) => !list.includes(`./${basename(path)}`)),
    [],
  );
});

test('a benign twin of any patch passes all patches together', () => {
  const check = createPatchCheck(patches);
  // A film is benign only where the patch against its decoder is off, a constraint only where its own is.
  const byOthers = new Set(['video', 'constraint-schema', 'constraint-cache', 'media-remote']);
  for (const { id, passes } of patches) {
    const refusal = check(passes.route, passes.body);
    assert.ok(refusal === undefined || byOthers.has(refusal.patchId), `${id}: ${refusal?.patchId}`);
  }
});

test('a message tells the caller what to do, and neither release nor advisory', () => {
  for (const { id, message } of patches) {
    assert.match(message, /^[A-Z][^\n]{15,200}\.$/, id);
    assert.doesNotMatch(message, /CVE|GHSA|vLLM|\d\.\d/, id);
  }
});

test('a patch that costs a legitimate use ends with a release, but for tensors', () => {
  const endless = patches.filter(
    ({ costs, releases = {} }: PatchRow) =>
      costs !== undefined && releases.fixed === undefined && releases.lastAffected === undefined,
  );
  assert.deepEqual(
    endless.map(({ id }) => id),
    ['prompt-embeds', 'media-embeds'],
  );
});

const idsOn = (version: string | undefined, features: readonly string[] = [], mode: 'auto' | 'all' | 'off' = 'auto') =>
  activePatches(patches, version === undefined ? undefined : parseRelease(version), features, mode).map(({ id }) => id);

for (const { id, on, off } of [
  { id: 'allowed-token-ids', on: ['0.9.2', '0.30.2', '0.31.0rc1'], off: ['0.31.0', '0.33.0'] },
  { id: 'bad-words', on: ['0.29.0'], off: ['0.30.0'] },
  { id: 'penalties-with-drafter', on: ['0.18.0', '0.19.1'], off: ['0.17.1', '0.20.0'] },
  { id: 'thinking-token-budget', on: ['0.21.0', '0.27.1'], off: ['0.20.2', '0.28.0'] },
  { id: 'kv-transfer-params', on: ['0.10.0', '0.29.0'], off: ['0.29.1'] },
  { id: 'constraint-regex', on: ['0.9.2', '0.25.0'], off: ['0.26.0'] },
  { id: 'chat-template', on: ['0.5.1', '0.31.0'], off: ['0.5.0', '0.32.0'] },
  { id: 'media-remote', on: ['0.5.0', '0.32.0'], off: ['0.4.3', '0.33.0'] },
  { id: 'media-io-kwargs', on: ['0.23.0rc2', '0.29.0'], off: ['0.22.1', '0.30.0'] },
  { id: 'prompt-embeds', on: ['0.5.0', '0.33.0'], off: [] },
]) {
  test(`the patch ${id} is on at both ends of its range and off beyond them`, () => {
    for (const version of on) assert.ok(idsOn(version).includes(id), version);
    for (const version of off) assert.ok(!idsOn(version).includes(id), version);
  });
}

test('an unknown release has every patch but those whose feature is not named', () => {
  const needing = patches.filter(({ needsFeature }: PatchRow) => needsFeature !== undefined).map(({ id }) => id);
  assert.deepEqual(needing, ['penalties-with-drafter']);
  const all = patches.map(({ id }) => id);
  assert.deepEqual(
    idsOn(undefined),
    all.filter((id) => !needing.includes(id)),
  );
  assert.deepEqual(idsOn(undefined, ['extract-hidden-states-drafter']), all);
});

test('every patch is on by `all`, and none by `off`', () => {
  assert.equal(idsOn('0.33.0', [], 'all').length, patches.length);
  assert.equal(idsOn(undefined, [], 'off').length, 0);
});

test('without patches nothing is refused', () => {
  assert.equal(createPatchCheck([])('chat-completions', { n: 1e9 }), undefined);
});

const chat = (fields: JsonObject): JsonObject => ({ messages: [{ role: 'user', content: 'hi' }], ...fields });
for (const { claim, body, path } of [
  {
    claim: 'a medium in any spelling of its part',
    body: chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'http://192.0.2.7' }] }] }),
    path: 'messages[0].content[0].image_url',
  },
  {
    claim: 'a medium of the Messages API',
    body: chat({
      messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x' } }] }],
    }),
    path: 'messages[0].content[0].source.url',
  },
  {
    claim: 'a medium in one conversation of a batch',
    body: { messages: [[], [{ role: 'user', content: [{ image_url: { url: 'file:///etc/passwd' } }] }]] },
    path: 'messages[1][0].content[0].image_url.url',
  },
  {
    claim: 'a remote medium behind an inline one',
    body: chat({
      messages: [
        {
          role: 'user',
          content: [{ image_url: { url: 'DATA:image/png;base64,aGk=' } }, { image_url: { url: ' data:' } }],
        },
      ],
    }),
    path: 'messages[0].content[1].image_url.url',
  },
  { claim: 'a number as a text', body: chat({ n: '1_000' }), path: 'n' },
  { claim: 'a number that is none', body: chat({ n: '-Infinity' }), path: 'n' },
  {
    claim: 'parameters by another name',
    body: chat({ vllm_xargs: { kv_transfer_params: '{}' } }),
    path: 'vllm_xargs.kv_transfer_params',
  },
  { claim: 'min_tokens above max_tokens', body: chat({ min_tokens: 9, max_tokens: 8 }), path: 'min_tokens' },
]) {
  test(`patches see ${claim}`, () => {
    assert.equal(createPatchCheck(patches)('chat-completions', body)?.path, path);
  });
}

for (const { claim, body } of [
  { claim: 'min_tokens at max_tokens', body: chat({ min_tokens: 8, max_tokens: 8 }) },
  { claim: 'min_tokens without max_tokens in a chat', body: chat({ min_tokens: 8 }) },
  { claim: '16 answers', body: chat({ n: 16 }) },
  { claim: 'token ids as one prompt', body: { prompt: Array.from({ length: 4000 }, (_, i) => i) } },
  { claim: '16 prompts', body: { prompt: Array.from({ length: 16 }, () => 'hi') } },
  {
    claim: 'the schema of a tool with a property named image_url',
    body: chat({
      tools: [{ type: 'function', function: { parameters: { properties: { image_url: { type: 'string' } } } } }],
    }),
  },
]) {
  test(`patches let pass ${claim}`, () => {
    assert.equal(createPatchCheck(patches)('completions', body), undefined);
  });
}
