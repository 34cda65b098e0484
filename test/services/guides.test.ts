import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { readGuide } from '../support/guide.ts';
import { inNamespace } from './namespaced/start.ts';

const root = join(import.meta.dirname, '../..');
const guides = globSync(join(root, 'docs/guides/*.md')).sort();
/** They have tests of their own: with a CA `afternoon.test.ts`, with an issuer `keycloak.test.ts`. */
const ELSEWHERE = ['one-machine.md', 'keycloak.md'];

suite('each guide can be followed to the letter, with the simulator for vLLM', { concurrency: 2 }, () => {
  for (const file of guides.filter((one) => !ELSEWHERE.includes(basename(one)))) {
    test(basename(file), async () => {
      const dir = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
      const result = await inNamespace('guide.ts', [file, dir], { 'llm.example.org': '127.0.0.1' }, dir);
      rmSync(dir, { recursive: true, force: true });
      assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
    });
  }
});

test('what is not run is said, with what it needs', () => {
  for (const file of guides) {
    for (const step of readGuide(readFileSync(file, 'utf8')).steps) {
      if (step.kind !== 'command' || step.skip === undefined) continue;
      process.stdout.write(`not run (${step.skip}), ${basename(file)}: ${step.command}\n`);
    }
  }
});
