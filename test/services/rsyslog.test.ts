import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { stringify } from 'yaml';
import { createCa, createLeaf } from '../../src/adapters/tls/self-signed.ts';
import { auditText } from '../support/audit-records.ts';
import { freePort } from '../support/free-port.ts';
import { startProduct } from '../support/product.ts';

/**
 * rsyslog as a receiver over TLS, that writes each message to a file with the parts that it has read. With its driver for
 * GnuTLS: the one for OpenSSL closes each session twice, at times the file that was opened in between
 * (rsyslog/rsyslog#3404).
 */
async function startRsyslog(t: TestContext, dir: string, port: number): Promise<() => Promise<void>> {
  const config = `
global(workDirectory="${dir}" maxMessageSize="64k"
  defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="${dir}/ca.pem"
  defaultNetstreamDriverCertFile="${dir}/cert.pem" defaultNetstreamDriverKeyFile="${dir}/key.pem")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="all" type="string" string="%APP-NAME% %PRI% %MSGID% %STRUCTURED-DATA%%msg%\\n")
action(type="omfile" file="${dir}/out" template="all")
`;
  writeFileSync(join(dir, 'rsyslog.conf'), config);
  const child = spawn('rsyslogd', ['-n', '-f', join(dir, 'rsyslog.conf'), '-i', join(dir, 'pid')], {
    stdio: 'inherit',
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  await until(() => existsSync(join(dir, 'pid')), 'rsyslog starts');
  await setTimeout(500);
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (isSo()) return;
    await setTimeout(50);
  }
  assert.fail(what);
}

test('rsyslog gets each record over TLS with its place, through its own restart, and the checkpoints, too', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-rsyslog-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, ['localhost'], Date.now());
  writeFileSync(join(dir, 'ca.pem'), ca.certPem);
  writeFileSync(join(dir, 'cert.pem'), leaf.certPem);
  writeFileSync(join(dir, 'key.pem'), leaf.keyPem, { mode: 0o600 });
  const port = await freePort();
  const to = { type: 'syslog', url: `tls://localhost:${port}`, caFile: 'ca.pem' };
  const auditLog = { ship: [{ name: 'logs', maxMessage: '64KiB', ...to }], copies: [{ name: 'copies', ...to }] };
  writeFileSync(join(dir, 'sallyport.yaml'), stringify({ auditLog }));
  const stateDir = join(dir, 'state');
  const words = ['--config', join(dir, 'sallyport.yaml'), '--upstream', 'http://127.0.0.1:9', '--workers', '1'];
  const lines = (): string[] =>
    existsSync(join(dir, 'out')) ? readFileSync(join(dir, 'out'), 'utf8').split('\n') : [];

  const stopFirst = await startRsyslog(t, dir, port);
  const product = await startProduct(words, stateDir);
  t.after(() => product.child.kill('SIGKILL'));
  product.command('keys', 'create', '--name', 'a');
  await until(() => lines().some((line) => line.includes('"api-keys"')), 'records arrive');
  await stopFirst();
  product.command('keys', 'create', '--name', 'b');
  await until(() => product.lines.some((line) => line.includes('they wait')), 'it is said that nothing is taken');
  const stopSecond = await startRsyslog(t, dir, port);
  await until(() => lines().filter((line) => line.includes('"api-keys"')).length === 2, 'what has waited arrives');
  assert.equal(await product.end(), 0);
  await until(() => lines().some((line) => line.includes('audit-log.close')), 'the last record arrives');
  await until(() => lines().some((line) => line.includes(' checkpoint [')), 'a checkpoint arrives');
  await stopSecond();

  const places = new Map<number, string>();
  for (const line of lines()) {
    const [, sequence, text = ''] =
      /^sallyport 1\d\d [a-z-]+ \[sallyport@32473 log="sallyport\/[0-9a-f]{16}" sequence="(\d+)"\] ?(\{.*)$/.exec(
        line,
      ) ?? [];
    if (sequence !== undefined) places.set(Number(sequence), text);
  }
  const written = auditText(stateDir).split('\n').slice(0, -1);
  assert.deepEqual(
    [...places].sort(([a], [b]) => a - b).map(([, text]) => text),
    written,
  );
  const last = readFileSync(join(stateDir, 'audit-log.checkpoint'), 'utf8');
  assert.ok(lines().some((line) => line.endsWith(JSON.stringify({ checkpoint: last }))));
});
