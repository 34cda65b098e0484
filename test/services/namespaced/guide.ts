import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGuide } from '../../support/guide.ts';
import { follow } from '../../support/guide-shell.ts';

/** Runs in a network namespace: see `guides.test.ts`. Follows one guide in an empty directory. */
const [, , file = '', dir = ''] = process.argv;

const there = join(dir, 'empty');
mkdirSync(there);
for (const { step, ms } of await follow(readGuide(readFileSync(file, 'utf8')), { dir: there })) {
  process.stdout.write(`${(ms / 1000).toFixed(1).padStart(6)} s  ${step.command}\n`);
}
