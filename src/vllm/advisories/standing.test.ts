import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patches } from '../patches/index.ts';
import { activePatches, type PatchMode, type PatchRow } from '../patches/patch.ts';
import { parseRelease } from '../release.ts';
import { isNamed, type Advisory } from './advisory.ts';
import { knownAdvisories } from './index.ts';
import { standingOf, type Standing } from './standing.ts';

const advisory = (name: string): Advisory => {
  const found = knownAdvisories.find((known) => isNamed(known, name));
  assert.ok(found !== undefined, name);
  return found;
};

function standing(
  name: string,
  version: string | undefined,
  mode: PatchMode = 'auto',
  more: PatchRow[] = [],
): Standing {
  const release = version === undefined ? undefined : parseRelease(version);
  return standingOf(advisory(name), release, activePatches([...patches, ...more], release, [], mode));
}

for (const { claim, got, want } of [
  {
    claim: 'a release behind the fix is not affected',
    got: standing('CVE-2026-93989', '0.30.0'),
    want: { state: 'not-affected', by: [], todo: '' },
  },
  {
    claim: 'an affected release with its patch is patched',
    got: standing('CVE-2026-93989', '0.29.0'),
    want: {
      state: 'patched',
      by: ['patch bad-words', 'field bad_words'],
      todo: 'Upgrade vLLM to 0.30.0 or newer.',
    },
  },
  {
    claim: 'a closed route needs no patch',
    got: standing('CVE-2026-105754', '0.29.0', 'off'),
    want: { state: 'patched', by: ['route generate'], todo: 'Upgrade vLLM to 0.30.0 or newer.' },
  },
  {
    claim: 'an advisory without a fix says so',
    got: standing('CVE-2026-94626', '0.29.0'),
    want: {
      state: 'patched',
      by: ['patch kv-transfer-params', 'field kv_transfer_params'],
      todo: 'Upgrade vLLM beyond 0.29.0.',
    },
  },
  {
    claim: 'a patch that is off leaves its advisory exposed',
    got: standing('CVE-2024-8768', '0.5.4', 'off'),
    want: {
      state: 'exposed',
      by: [],
      todo: 'Upgrade vLLM to 0.5.5 or newer. Set validation.virtualPatches to auto: the patch empty-prompt stops it.',
    },
  },
  {
    claim: 'a patch whose feature is not named leaves an unknown release exposed',
    got: standing('CVE-2026-44223', undefined),
    want: {
      state: 'exposed',
      by: [],
      todo:
        'Upgrade vLLM to 0.20.0 or newer. ' +
        'If the server has it, name extract-hidden-states-drafter in upstreams[].features; else it is not concerned.',
    },
  },
  {
    claim: 'what only looking helps against is exposed',
    got: standing('CVE-2026-54233', '0.22.0'),
    want: {
      state: 'exposed',
      by: [],
      todo: 'Upgrade vLLM to 0.24.0 or newer. No rule over HTTP stops it.',
    },
  },
  {
    claim: 'what HTTP does not lead to is exposed',
    got: standing('CVE-2025-32444', '0.8.0'),
    want: {
      state: 'exposed',
      by: [],
      todo: 'Upgrade vLLM to 0.8.5 or newer. HTTP does not lead there: let nobody reach the other ports of the server.',
    },
  },
  {
    claim: 'a hole of every release has no upgrade',
    got: standing('CVE-2026-105922', '0.33.0'),
    want: { state: 'exposed', by: [], todo: 'No release with a fix is known. No rule over HTTP stops it.' },
  },
]) {
  test(claim, () => assert.deepEqual(got, want));
}

test('the row of an operator that names an advisory patches it', () => {
  const row: PatchRow = {
    id: 'no-penalties',
    advisories: ['CVE-2026-105922'],
    on: ['*'],
    when: { field: 'presence_penalty', is: 'present' },
    message: 'Leave it out.',
  };
  const { state, by } = standing('CVE-2026-105922', '0.33.0', 'auto', [row]);
  assert.deepEqual([state, by], ['patched', ['patch no-penalties']]);
});

test('on an unknown release everything that HTTP can block is patched but what waits for a feature or a part', () => {
  const exposed = knownAdvisories
    .filter(({ id, reach }) => reach === 'blocks' && standing(id, undefined).state === 'exposed')
    .map(({ id }) => id);
  assert.deepEqual(exposed, ['GHSA-83vm-p52w-f9pw']);
});

test('every affected release with all patches is told what to do', () => {
  for (const version of [undefined, '0.4.0', '0.8.4', '0.16.0', '0.23.0', '0.31.0']) {
    for (const known of knownAdvisories) {
      const { state, by, todo } = standing(known.id, version, 'all');
      assert.equal(by.length > 0, state === 'patched', known.id);
      assert.equal(todo === '', state === 'not-affected', known.id);
    }
  }
});
