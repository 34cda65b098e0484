import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { patches } from '../patches/index.ts';
import { activePatches, createPatchCheck } from '../patches/patch.ts';
import { matchRoute } from '../routes/match.ts';
import type { Defence, TrialRequest } from './defence.ts';
import { defences } from './defences.ts';
import { knownAdvisories } from './index.ts';

const today = ({ verdict, until }: Defence) => until ?? verdict;
const titleOf = ({ advisory, by, name }: Defence): string => `${advisory} by ${by} ${name}`;

test('every advisory that HTTP can block has a defence, and no other has', () => {
  const blocked = knownAdvisories.filter(({ reach }) => reach === 'blocks').map(({ id }) => id);
  assert.deepEqual([...new Set(defences.map(({ advisory }) => advisory))].toSorted(), blocked.toSorted());
});

test('defences stand in the order of the list of advisories', () => {
  const places = defences.map(({ advisory }) => knownAdvisories.findIndex(({ id }) => id === advisory));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test('a defence by a patch names one that is for its advisory', () => {
  for (const { advisory, name } of defences.filter(({ by }) => by === 'patch')) {
    const row = patches.find(({ id }) => id === name);
    const names = knownAdvisories.filter(({ id }) => id === advisory).flatMap(({ id, aliases }) => [id, ...aliases]);
    assert.ok(
      row?.advisories.some((alias) => names.includes(alias)),
      name,
    );
  }
});

test('a defence by a route names one that is closed, and all others ask for routes that there are', () => {
  for (const { by, name, request, twin } of defences) {
    assert.notEqual(matchRoute(twin.path), undefined, twin.path);
    const route = matchRoute(request.path);
    assert.ok(route !== undefined, request.path);
    if (by === 'route') assert.deepEqual([route.id, route.policy], [name, 'closed']);
  }
});

/** What every patch says of a request, on an unknown release with the features that the attack needs. */
function patchOf({ features = [] }: Defence, { path, body }: TrialRequest) {
  const check = createPatchCheck(activePatches(patches, undefined, features, 'auto'));
  return check(matchRoute(path)?.id ?? '', body ?? ({} satisfies JsonObject));
}

/** What the head, the credential and the text of a body decide, and what the gateway changes, no patch can say. */
const NO_PATCH: ReadonlySet<Defence['by']> = new Set(['head', 'json', 'authentication', 'answer', 'salt', 'upload']);

for (const defence of defences) {
  test(`${titleOf(defence)}: a patch would stop the attack, too, unless it is none of the body's`, () => {
    const refusal = patchOf(defence, defence.request);
    const isSaid = !NO_PATCH.has(defence.by);
    assert.equal(refusal !== undefined, isSaid, refusal?.patchId ?? 'no patch');
    const verdict = today(defence);
    if (verdict.kind === 'refused' && verdict.code === 'advisory_blocked') assert.equal(refusal?.path, verdict.param);
  });

  test(`${titleOf(defence)}: its twin passes every patch`, () => {
    assert.equal(patchOf(defence, defence.twin)?.patchId, undefined);
  });
}
