import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createStory, KEY, type Sample, type Samples } from '../story.fixture.ts';
import { samples as cacheTiming } from './cache-timing.fixture.ts';
import { samples as credentialStuffing } from './credential-stuffing.fixture.ts';
import { samples as dormantKey } from './dormant-key.fixture.ts';
import { samples as groupSurge } from './group-surge.fixture.ts';
import { samples as impossibleClock } from './impossible-clock.fixture.ts';
import { rules } from './index.ts';
import { samples as probing } from './probing.fixture.ts';
import { samples as refreshReuse } from './refresh-reuse.fixture.ts';
import { samples as routeScan } from './route-scan.fixture.ts';
import { samples as slowExtraction } from './slow-extraction.fixture.ts';
import { samples as spreadStuffing } from './spread-stuffing.fixture.ts';
import { samples as stolenKey } from './stolen-key.fixture.ts';
import { samples as tokenSurge } from './token-surge.fixture.ts';
import { samples as twoNetworks } from './two-networks.fixture.ts';
import { samples as unknownScan } from './unknown-scan.fixture.ts';

const all: readonly Samples[] = [
  ...[stolenKey, twoNetworks, dormantKey, tokenSurge, probing, routeScan, slowExtraction, cacheTiming],
  ...[impossibleClock, groupSurge, credentialStuffing, spreadStuffing, unknownScan, refreshReuse],
];

/** Tells a story to a detector with this rule alone. */
function found(rule: string, sample: Sample) {
  const story = createStory({ rules: rules.filter(({ id }) => id === rule) });
  sample.tell(story);
  return story.findings.filter(({ record }) => record.rule === rule);
}

for (const { rule, fires, silent } of all) {
  for (const sample of fires) {
    test(`${rule} finds: ${sample.name}`, () => {
      const findings = found(rule, sample);
      const [finding] = findings.filter(({ record }) => record.subject === (sample.subject ?? KEY));
      assert.ok(finding !== undefined, JSON.stringify(findings));
      assert.ok(finding.record.score > 0 && finding.record.score <= 1, finding.record.why);
      assert.match(finding.record.why, rule === 'refresh-reuse' ? /again/ : /\d/);
      assert.doesNotMatch(finding.record.why, /NaN|Infinity|undefined/);
      assert.equal(
        findings.some(({ wish }) => wish === 'hold'),
        sample.wish === 'hold',
      );
    });
  }
  for (const sample of silent) {
    test(`${rule} is silent: ${sample.name}`, () => {
      assert.deepEqual(
        found(rule, sample).map(({ record }) => record.why),
        [],
      );
    });
  }
}

test('every rule is in the list, in a file of its name, with samples that must and must not fire', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !/test|index|fixture/.test(file));
  assert.deepEqual(files, rules.map(({ id }) => `${id}.ts`).toSorted());
  assert.deepEqual(all.map(({ rule }) => rule).toSorted(), rules.map(({ id }) => id).toSorted());
  for (const { rule, fires, silent } of all) assert.ok(fires.length > 0 && silent.length > 0, rule);
});

test('only rules that nobody but the holder of a credential can bring about may hold it', () => {
  const holding = rules.flatMap((rule) => (rule.about === 'credential' && rule.mayHold ? [rule.id] : []));
  assert.deepEqual(holding, ['stolen-key', 'dormant-key']);
});

test('every rule stands in the reference as it is', () => {
  const page = readFileSync(new URL('../../../docs/reference/anomaly-detection.md', import.meta.url), 'utf8');
  for (const rule of rules) {
    const mayHold = rule.about === 'credential' && rule.mayHold ? 'yes' : 'no';
    const cells = [`\`${rule.id}\``, rule.title, rule.about, rule.severity, mayHold, rule.looksAt];
    assert.ok(page.includes(`| ${cells.join(' | ')} |`), rule.id);
  }
});
