import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { parseCopies } from '../../src/audit-log/checkpoint.ts';
import { signedHeaders } from '../../src/audit-log/copying/sigv4.ts';
import { startProduct } from '../support/product.ts';
import { startSyslog } from '../support/siem.ts';

interface Put {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const S3 = { accessKeyId: 'AKID', accessKeySecret: 'secret-1', region: 'eu-central-1' };

test('the last checkpoint is in each second place once the product has ended, and tells when the log was cut', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-copies-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const puts: Put[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      puts.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const syslog = await startSyslog();
  t.after(() => syslog.close());
  writeFileSync(join(dir, 'ca.pem'), syslog.caPem);
  const copies = [
    { name: 'disk', type: 'file', toFile: 'checkpoints' },
    { name: 'witness', type: 'https', url: `${url}/witness`, token: 'token-1', every: '1s' },
    { name: 'bucket', type: 's3', url: `${url}/bucket`, ...S3 },
    { name: 'logs', type: 'syslog', url: syslog.url, caFile: 'ca.pem' },
  ];
  writeFileSync(join(dir, 'sallyport.yaml'), stringify({ auditLog: { copies } }));
  const stateDir = join(dir, 'state');
  const words = ['--config', join(dir, 'sallyport.yaml'), '--upstream', 'http://127.0.0.1:9', '--workers', '1'];
  const product = await startProduct(words, stateDir);
  t.after(() => product.child.kill('SIGKILL'));
  product.command('keys', 'create', '--name', 'a');
  assert.equal(await product.end(), 0);

  const last = readFileSync(join(stateDir, 'audit-log.checkpoint'), 'utf8');
  const [, size = ''] = last.split('\n');
  const file = readFileSync(join(dir, 'checkpoints'), 'utf8');
  assert.ok(file.endsWith(last));
  assert.ok(parseCopies(file).checkpoints.length <= 2, 'one at the start, one at the end');
  const posted = puts.filter(({ path }) => path === '/witness');
  assert.equal(posted.at(-1)?.body, last);
  assert.equal(posted.at(-1)?.headers.authorization, 'Bearer token-1');
  const put = puts.findLast(({ method }) => method === 'PUT');
  assert.ok(put?.body === last);
  assert.match(
    put.path,
    new RegExp(`^/bucket/audit-log/sallyport-[0-9a-f]{16}/${size.padStart(16, '0')}\\.checkpoint$`),
  );
  const { 'x-amz-date': time, 'content-type': type = '', authorization } = put.headers;
  const nowMs = Date.parse(String(time).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const request = { method: 'PUT', url: new URL(url + put.path), headers: { 'content-type': type }, body: put.body };
  assert.equal(authorization, signedHeaders(request, S3, nowMs)['authorization']);
  const sent = JSON.parse(syslog.lines.at(-1) ?? '') as { checkpoint: string };
  assert.equal(sent.checkpoint, last);
  assert.ok(!product.lines.join('').includes('secret-1'));

  const copyFile = join(dir, 'checkpoints');
  assert.match(
    product.command('audit-log', 'verify', '--checkpoints', copyFile),
    /copied checkpoints +\d+, the log extends each/,
  );
  rmSync(join(stateDir, 'audit-log', '0000000000000000.jsonl'));
  assert.throws(() => product.command('audit-log', 'verify', '--checkpoints', copyFile), /ended with 1/);
});
