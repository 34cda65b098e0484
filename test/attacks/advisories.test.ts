import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { knownAdvisories } from '../../src/vllm/advisories/index.ts';
import { defences } from '../../src/vllm/advisories/defences.ts';
import type { Defence, TrialRequest } from '../../src/vllm/advisories/defence.ts';
import { affects } from '../../src/vllm/advisories/advisory.ts';
import { SCOPES } from '../../src/kernel/scope.ts';
import { isAffected, parseRelease } from '../../src/vllm/release.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask, type Answer } from '../support/http.ts';

/**
 * Every advisory that HTTP can stop, tried through the whole gateway: the attack ends as its defence says, and its
 * benign twin is answered.
 */
let gateway: TestGateway;
let key: string;

/** Releases that upstreams say they run; each serves a model of its own. The newest is outside all ranges that end. */
const RELEASES = [
  '0.4.0',
  '0.7.0',
  '0.8.4',
  '0.10.0',
  '0.10.2',
  '0.11.0',
  '0.13.0',
  '0.14.0',
  '0.16.0',
  '0.18.0',
  '0.21.0',
  '0.23.0',
  '0.25.0',
  '0.28.0',
  '0.29.0',
  '0.30.0',
  '0.31.0',
  '0.32.0',
  '0.33.0',
];
const modelOf = (release: string): string => `tiny-${release}`;

before(async () => {
  gateway = await startTestGateway({
    plain: true,
    config: { limits: { perIp: { failuresPerMinute: 'none' }, default: { requestsPerMinute: 'none' } } },
    simulator: { models: RELEASES.map(modelOf) },
    upstreams: RELEASES.map((release) => ({
      name: release,
      models: [modelOf(release)],
      vllmVersion: release,
      features: ['extract-hidden-states-drafter'],
    })),
  });
  ({ key } = await gateway.issue({ scopes: [...SCOPES] }));
});
after(() => gateway[Symbol.asyncDispose]());

/** The newest release that has the hole, of those on which its defence works. */
function affectedBy({ advisory: id, releases }: Defence): string {
  const advisory = knownAdvisories.find((one) => one.id === id);
  assert.ok(advisory !== undefined);
  const found = RELEASES.findLast((text) => {
    const release = parseRelease(text);
    return releases === undefined ? affects(advisory, release) : isAffected(release, releases);
  });
  assert.ok(found !== undefined, `no release has ${id}`);
  return found;
}

test('every advisory that HTTP can stop has a defence, and there are 59 of them', () => {
  const blocked = knownAdvisories.filter(({ reach }) => reach === 'blocks').map(({ id }) => id);
  assert.equal(blocked.length, 59);
  const defended = new Set(defences.map(({ advisory }) => advisory));
  assert.deepEqual(
    blocked.filter((id) => !defended.has(id)),
    [],
  );
});

function send({ method, path, headers = {}, body, rawBody }: TrialRequest, release: string): Promise<Answer> {
  const model = body?.['model'] === 'tiny' ? { model: modelOf(release) } : {};
  const sent = rawBody?.replaceAll('"tiny"', JSON.stringify(modelOf(release))) ?? (body && { ...body, ...model });
  const own = headers['authorization'] === undefined ? { key } : {};
  return ask(gateway, { method, path, headers, ...own, ...(sent === undefined ? {} : { body: sent }) });
}

/** What upstream got besides the gateway's own looks at it. */
const arrived = () =>
  gateway.simulator
    .received()
    .filter(({ headers }) => !headers.some(([name, value]) => name === 'user-agent' && value.startsWith('sallyport/')));

/** What stops it today: `until` tells where a part of the product is not built yet. */
const verdictOf = ({ verdict, until }: Defence) => until ?? verdict;

for (const [index, defence] of defences.entries()) {
  const verdict = verdictOf(defence);
  // Upstream's own words are the subject of `upstream-refusal.test.ts`: no request makes the simulator say them.
  if (verdict.kind === 'reworded') continue;
  test(`${defence.advisory} (${index}): stopped by ${defence.by} ${defence.name}`, async () => {
    gateway.simulator.clearReceived();
    const { status, text, json } = await send(defence.request, affectedBy(defence));
    if (verdict.kind === 'refused') {
      assert.equal(status, verdict.status, text.slice(0, 300));
      assert.equal(json?.error?.['code'], verdict.code, text.slice(0, 300));
      if (verdict.param !== undefined) assert.equal(json.error['param'], verdict.param);
      assert.deepEqual(arrived(), [], 'nothing arrives upstream');
      return;
    }
    assert.equal(status, 200, text.slice(0, 300));
    const upstream = JSON.stringify(arrived());
    for (const lacking of verdict.upstreamLacks) assert.ok(!upstream.includes(lacking), lacking);
    const [request] = arrived();
    const body = JSON.parse(request?.body ?? '{}') as Record<string, unknown>;
    for (const member of verdict.upstreamHas ?? []) assert.ok(member in body, member);
  });

  if (defence.twinWaits === true) continue;
  test(`${defence.advisory} (${index}): its benign twin is answered`, async () => {
    // Where another patch of an old release costs the wish as a whole, the twin shows that its own defence does not.
    const release = defence.by === 'patch' ? affectedBy(defence) : '0.33.0';
    const { status, text } = await send(defence.twin, release);
    assert.equal(status, 200, text.slice(0, 300));
  });
}
