import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { stringify } from 'yaml';
import { auditText } from '../support/audit-records.ts';
import { verified } from '../support/audit-log.ts';
import { startTestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startProduct } from '../support/product.ts';
import { startCollector, startElastic, startSplunk, startSyslog } from '../support/siem.ts';

const linesOf = (stateDir: string): string[] => auditText(stateDir).split('\n').slice(0, -1);

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-ship-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Waits for what comes from another process, within 20 s. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (isSo()) return;
    await setTimeout(50);
  }
  assert.fail(what);
}

test('each destination gets all of the log as it stands there, in order, to its last record', async (t) => {
  const [splunk, elastic, collector, syslog] = await Promise.all([
    startSplunk('token-1'),
    startElastic('key-1'),
    startCollector(),
    startSyslog(),
  ]);
  const all = [splunk, elastic, collector, syslog];
  const caFile = join(folder(t), 'ca.pem');
  writeFileSync(caFile, syslog.caPem);
  const ship = [
    { name: 'splunk', type: 'splunk', url: splunk.url, token: 'token-1' },
    { name: 'elastic', type: 'elastic', url: elastic.url, apiKey: 'key-1' },
    { name: 'otlp', type: 'otlp', url: collector.url },
    { name: 'syslog', type: 'syslog', url: syslog.url, caFile, maxMessage: '64KiB' },
  ];
  await using it = await startTestGateway({ plain: true, workers: 2, config: { auditLog: { ship } } });
  const { key } = await it.issue();
  for (let i = 0; i < 10; i++) assert.equal((await ask(it, { key })).status, 200);
  await until(() => all.every(({ lines }) => lines.length >= 12), 'records arrive while the gateway runs');
  await it.gateway.stop();
  const written = linesOf(it.stateDir);
  assert.match(written.at(-1) ?? '', /"audit-log\.close"/);
  for (const { lines } of all) assert.deepEqual(lines, written);
  for (const one of all) await one.close();
});

test('what a destination does not take waits through kill -9, is said once, and arrives once it takes again', async (t) => {
  const dir = folder(t);
  const elastic = await startElastic('key-1');
  const configFile = join(dir, 'sallyport.yaml');
  const ship = [{ name: 'siem', type: 'elastic', url: elastic.url, apiKey: '${env:SIEM_KEY}' }];
  writeFileSync(configFile, stringify({ auditLog: { ship } }));
  const stateDir = join(dir, 'state');
  const start = async () => {
    const words = ['--config', configFile, '--upstream', 'http://127.0.0.1:9', '--workers', '1'];
    const product = await startProduct(words, stateDir, { SIEM_KEY: 'key-1' });
    t.after(() => product.child.kill('SIGKILL'));
    return product;
  };
  elastic.answer = { status: 503 };
  const first = await start();
  first.command('keys', 'create', '--name', 'a');
  await until(() => first.lines.some((line) => line.includes('they wait')), 'it is said that nothing is taken');
  await first.end('SIGKILL');
  assert.equal(first.lines.filter((line) => line.includes('they wait')).length, 1);
  assert.ok(!first.lines.join('').includes('key-1'), 'the key is in no line of the log');
  assert.deepEqual(elastic.lines, []);
  elastic.answer = undefined;
  const second = await start();
  await until(() => elastic.lines.some((line) => line.includes('"start"')), 'what has waited arrives');
  assert.equal(await second.end(), 0);
  assert.deepEqual(elastic.lines, linesOf(stateDir));
  assert.equal(verified(stateDir).kind, 'whole');
  await elastic.close();
});
