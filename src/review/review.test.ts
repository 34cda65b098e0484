import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReviewFacts } from './facts.ts';
import { markdownOf } from './markdown.ts';
import { review, type RecordsOf } from './review.ts';
import { sarifOf } from './sarif.ts';

const facts = (nowMs: number, worse: Partial<ReviewFacts['settings']>): ReviewFacts => ({
  nowMs,
  settings: {
    ...{ issuers: [], knownAlgorithms: ['ES256'], publicUrl: 'https://llm.example', tlsMode: 'files' },
    ...{ adminHost: '127.0.0.1', requireSecondFactor: 'admins', isAuditLogOn: true, anomalyMode: 'observe' },
    upstreams: [],
    ...worse,
  },
  ...{ keys: [], clients: [], people: [], consents: [], signingKeys: [], held: [] },
});
const DAY_MS = 86_400_000;
const noRecords: RecordsOf = () => Promise.resolve([]);

async function twice() {
  const first = await review(facts(0, { anomalyMode: 'off', adminHost: '::' }), undefined, noRecords);
  const second = await review(facts(DAY_MS, { anomalyMode: 'off', isAuditLogOn: false }), first, (subject) =>
    Promise.resolve(subject === 'config/auditLog.enabled' ? [41, 7] : []),
  );
  return { first, second };
}

test('a review names what is new since the one before and what is gone, with records, worst first', async () => {
  const { first, second } = await twice();
  assert.deepEqual(
    first.findings.map(({ id, isNew }) => [id, isNew]),
    [
      ['nothing-recorded', false],
      ['open-listeners', false],
    ],
  );
  assert.deepEqual(
    second.findings.map(({ subject, isNew, records }) => [subject, isNew, records]),
    [
      ['config/auditLog.enabled', true, [41, 7]],
      ['config/anomaly.mode', false, []],
    ],
  );
  assert.deepEqual(
    second.gone.map(({ id }) => id),
    ['open-listeners'],
  );
  assert.deepEqual([second.previous, second.ok, first.id < second.id], [first.id, false, true]);
});

test('records are looked up for fifty subjects at most', async () => {
  let asked = 0;
  const upstreams = Array.from({ length: 80 }, (_, i) => ({ name: `u${i}`, url: 'http://gpu:1', hasApiKey: true }));
  const made = await review(facts(0, { upstreams }), undefined, () => {
    asked++;
    return Promise.resolve([1]);
  });
  assert.deepEqual([made.findings.length, asked], [80, 50]);
});

test('SARIF has a rule of each result, and what is new, unchanged and absent', async () => {
  const { second } = await twice();
  const sarif = sarifOf(second, '1.2.3') as {
    version: string;
    runs: [
      {
        tool: { driver: { rules: { id: string }[] } };
        results: { ruleId: string; ruleIndex: number; level: string; baselineState: string }[];
      },
    ];
  };
  const [{ tool, results }] = sarif.runs;
  assert.deepEqual(
    results.map(({ ruleId, level, baselineState }) => [ruleId, level, baselineState]),
    [
      ['nothing-recorded', 'error', 'new'],
      ['nothing-recorded', 'error', 'unchanged'],
      ['open-listeners', 'none', 'absent'],
    ],
  );
  for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex]?.id, ruleId);
});

test('a name that is markup, or has lines of its own, is text in Markdown', async () => {
  const upstreams = [{ name: '](x)\n# Well\n<b>`', url: 'http://gpu:1', hasApiKey: true }];
  const text = markdownOf(await review(facts(0, { upstreams }), undefined, noRecords));
  assert.doesNotMatch(text, /^# Well/m);
  assert.match(text, /^## medium: Upstream \\\]\(x\) \\# Well \\<b\\>/m);
  assert.match(text, /- subject: `upstreams\/\]\(x\) # Well <b>'`/);
});

test('what somebody has typed as a name is no link in SARIF, and turns no line round', async () => {
  const { second } = await twice();
  const evil = 'API key x ([open me](https://evil.example)\u202e\u001b[2J)';
  const findings = second.findings.map((one) => ({ ...one, what: evil, evidence: [evil] }));
  const gone = second.gone.map((one) => ({ ...one, what: evil }));
  const { runs } = sarifOf({ ...second, findings, gone }, '1.2.3') as {
    runs: { results: { message: { text: string } }[] }[];
  };
  const texts = runs.flatMap(({ results }) => results.map(({ message }) => message.text));
  assert.equal(texts.length, 3);
  for (const text of texts) {
    assert.ok(text.includes('\\[open me\\](https://evil.example)'), text);
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
  }
});
