import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readGuide } from '../../support/guide.ts';
import { follow } from '../../support/guide-shell.ts';
import { startPebble } from '../acme/pebble.ts';

/**
 * Runs in a network namespace: see `afternoon.test.ts`. Follows `docs/guides/one-machine.md` to the letter. In place of
 * what a reader has: the simulator for vLLM, pebble for Let's Encrypt, `/etc/hosts` for the DNS record, and the package
 * that was installed from this tree for the one of the registry.
 */
const [, , dir = '', installMs = '0'] = process.argv;
const ROOT = join(import.meta.dirname, '../../..');
const MOST_COMMANDS = 4;
const MOST_S = 90;
const PROTECTED = /^sallyport doctor/;

test('four commands lead from an empty directory to a protected endpoint with a certificate, within 90 s', async () => {
  await using pebble = await startPebble({ tlsPort: 443 });
  const guide = readGuide(readFileSync(join(ROOT, 'docs/guides/one-machine.md'), 'utf8'));
  const there = join(dir, 'empty');
  mkdirSync(there);
  // Callers trust the root that pebble made a moment ago; the gateway trusts pebble's own API.
  const rootFile = join(dir, 'root.pem');
  writeFileSync(rootFile, pebble.rootPem);
  const ran = await follow(guide, {
    dir: there,
    env: { NODE_EXTRA_CA_CERTS: pebble.apiCaFile, CURL_CA_BUNDLE: rootFile },
    instead: (command) =>
      command
        .replace(/^npm install -g sallyport$/, 'sallyport --version')
        .replace(/^sallyport init .*$/, `$& --acme-directory ${pebble.directory}`),
  });
  const isOurs = /^(npm install -g sallyport|sallyport )/;
  const ours = ran.filter(({ step }) => isOurs.test(step.command));
  const needed = ours.slice(0, 1 + ours.findIndex(({ step }) => PROTECTED.test(step.command)));
  assert.match(needed.at(-1)?.step.command ?? '', PROTECTED);
  assert.ok(needed.length <= MOST_COMMANDS, needed.map(({ step }) => step.command).join('\n'));
  const seconds = (needed.reduce((sum, { ms }) => sum + ms, 0) + Number(installMs)) / 1000;
  for (const { step, ms } of ran) process.stdout.write(`${(ms / 1000).toFixed(1).padStart(6)} s  ${step.command}\n`);
  process.stdout.write(
    `install took ${(Number(installMs) / 1000).toFixed(1)} s; ${needed.length} commands took ${seconds.toFixed(1)} s of machine time\n`,
  );
  assert.ok(seconds <= MOST_S, `${seconds} s`);
  assert.match(pebble.output(), /Issued certificate/i);
});
