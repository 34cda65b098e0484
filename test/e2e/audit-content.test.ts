import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startSimulator } from '../../src/adapters/simulator-server/server.ts';
import { wholeOf } from '../support/audit-log.ts';
import { auditRecords, type AuditEvent } from '../support/audit-records.ts';
import { sallyport } from '../support/command.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ask } from '../support/http.ts';
import { startProduct } from '../support/product.ts';

const CANARY = `canary${randomBytes(12).toString('hex')}`;
const bodyOf = (stream: boolean) => ({
  ...{ model: 'tiny', messages: [{ role: 'user', content: CANARY }], max_tokens: 5, stream },
});

/** Files below a folder, their whole bytes as text. */
function filesIn(folder: string): { readonly file: string; readonly text: string }[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, text: readFileSync(file, 'latin1') }));
}

const holding = (folder: string, text: string): string[] =>
  filesIn(folder)
    .filter((one) => one.text.includes(text) || one.text.includes(Buffer.from(text).toString('base64').slice(4, 28)))
    .map(({ file }) => file);

const idOf = (headers: IncomingHttpHeaders): string => String(headers['x-request-id']);

/** The record of a request, once it is on the disk. */
async function recordOf(stateDir: string, id: string): Promise<AuditEvent> {
  for (let tries = 0; tries < 500; tries++) {
    const found = auditRecords(stateDir).find(
      ({ metadata, activity_name: name }) => metadata.uid === id && name !== 'Allow',
    );
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
    await sallyport(stateDir, 'audit-log search --limit 1');
  }
  throw new Error(`no record of ${id}`);
}

const withContent = (content: string, more: object = {}): Promise<TestGateway> =>
  startTestGateway({ plain: true, config: { auditLog: { content, ...more } } });

/** The body that the model server has got last. */
const sentTo = (it: TestGateway): string =>
  it.simulator.received().findLast(({ path }) => path === '/v1/chat/completions')?.body ?? '';

function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-content-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('with none nothing is kept of what was said, and its record says nothing of it', async () => {
  await using it = await withContent('none');
  const { key } = await it.issue();
  const { headers } = await ask(it, { key, body: bodyOf(false) });
  const { unmapped = {} } = await recordOf(it.stateDir, idOf(headers));
  assert.deepEqual(
    Object.keys(unmapped).filter((name) => /content|prompt_|completion_/.test(name)),
    [],
  );
  assert.deepEqual(holding(it.stateDir, CANARY), []);
  assert.ok(!it.log.join('').includes(CANARY));
});

for (const stream of [false, true]) {
  const what = stream ? 'streamed' : 'whole';
  test(`with hash nothing said is kept, and who has the ${what} texts can show that they were these`, async () => {
    await using it = await withContent('hash');
    const { key } = await it.issue();
    const { headers, text } = await ask(it, { key, body: bodyOf(stream) });
    const id = idOf(headers);
    const { unmapped = {} } = await recordOf(it.stateDir, id);
    assert.equal(unmapped['content'], 'hash');
    const sent = sentTo(it);
    assert.ok(sent.includes(CANARY));
    for (const [part, said] of [
      ['prompt', sent],
      ['completion', text],
    ] as const) {
      const hashOf = async (input: string, tenant: string) =>
        sallyport(it.stateDir, `audit-log hash --tenant ${tenant}`, { stdin: () => Promise.resolve(input) });
      assert.equal((await hashOf(said, 'default')).out.trim(), unmapped[`${part}_hash`]);
      assert.notEqual((await hashOf(`${said} `, 'default')).out.trim(), unmapped[`${part}_hash`]);
      assert.equal((await hashOf(said, 'nobody')).exit, 1);
      assert.equal(unmapped[`${part}_bytes`], Buffer.byteLength(said));
    }
    assert.deepEqual(holding(it.stateDir, CANARY), []);
    assert.ok(!it.log.join('').includes(CANARY));
    assert.match((await sallyport(it.stateDir, `audit-log content ${id}`)).err, /was not kept: hash/);
    await it.gateway.stop();
    wholeOf(it.stateDir);
  });
}

for (const stream of [false, true]) {
  const what = stream ? 'streamed' : 'whole';
  test(`with full the ${what} texts are kept encrypted; who looks is recorded; once erased nobody reads them`, async () => {
    await using it = await withContent('full');
    const { key } = await it.issue();
    const { headers, text } = await ask(it, { key, body: bodyOf(stream) });
    const id = idOf(headers);
    assert.equal((await recordOf(it.stateDir, id)).unmapped?.['content'], 'full');
    assert.deepEqual(holding(it.stateDir, CANARY), []);
    assert.ok(!it.log.join('').includes(CANARY));

    const readings = () => auditRecords(it.stateDir).filter(({ activity_name: name }) => name === 'read');
    assert.equal(readings().length, 0);
    const shown = await sallyport(it.stateDir, `audit-log content ${id} --json`);
    assert.equal(shown.exit, 0, shown.err);
    const { prompt, completion } = JSON.parse(shown.out) as Record<string, { text: string; hash: string }>;
    assert.equal(prompt?.text, sentTo(it));
    assert.equal(completion?.text, text);
    assert.equal(shown.err, 'The prompt is the one of the record.\nThe completion is the one of the record.\n');
    assert.deepEqual(
      readings().map(({ entity }) => entity?.uid),
      [id],
    );
    assert.deepEqual(holding(it.stateDir, CANARY), []);

    const own = await sallyport(it.stateDir, `audit-log content ${id} --part prompt`);
    assert.equal(own.out, sentTo(it));
    assert.equal(readings().length, 2);

    const erased = await sallyport(it.stateDir, 'audit-log erase --tenant default --yes');
    assert.equal(erased.exit, 0, erased.err);
    const after = await sallyport(it.stateDir, `audit-log content ${id}`);
    assert.deepEqual([after.exit, after.out], [1, '']);
    assert.match(after.err, /Nobody can read/);
    assert.equal(readings().length, 2);
    const later = await ask(it, { key, body: bodyOf(stream) });
    const { unmapped = {} } = await recordOf(it.stateDir, idOf(later.headers));
    assert.deepEqual([unmapped['content'], unmapped['prompt_hash']], ['erased', undefined]);
    await it.gateway.stop();
    wholeOf(it.stateDir);
  });
}

test('a text that is longer than the bound is cut, and said to be; its digest is of all of it', async () => {
  await using it = await withContent('full', { contentMaxBytes: '1KiB' });
  const { key } = await it.issue();
  const body = { ...bodyOf(false), messages: [{ role: 'user', content: `${CANARY}${'x'.repeat(2_000)}` }] };
  const { headers } = await ask(it, { key, body });
  const id = idOf(headers);
  const { unmapped = {} } = await recordOf(it.stateDir, id);
  const sent = sentTo(it);
  assert.deepEqual([unmapped['content_cut'], unmapped['prompt_bytes']], [true, sent.length]);
  const { out, err } = await sallyport(it.stateDir, `audit-log content ${id} --part prompt`);
  assert.equal(out, sent.slice(0, 1024));
  assert.match(err, new RegExp(`The prompt is cut: 1024 bytes of ${sent.length}`));
  const hash = await sallyport(it.stateDir, 'audit-log hash --tenant default', { stdin: async () => sent });
  assert.equal(hash.out.trim(), unmapped['prompt_hash']);
});

test('what is not in the sample is not kept', async () => {
  await using it = await withContent('full', { contentSample: 0 });
  const { key } = await it.issue();
  const { headers } = await ask(it, { key, body: bodyOf(false) });
  const { unmapped = {} } = await recordOf(it.stateDir, idOf(headers));
  assert.equal(unmapped['content'], undefined);
});

test('a request that never went upstream has no content', async () => {
  await using it = await withContent('full');
  const { key } = await it.issue();
  const { headers, status } = await ask(it, { key, body: { ...bodyOf(false), best_of: CANARY } });
  assert.equal(status, 400);
  const { unmapped = {} } = await recordOf(it.stateDir, idOf(headers));
  assert.equal(unmapped['content'], undefined);
  assert.deepEqual(holding(it.stateDir, CANARY), []);
});

test('in its sandbox the product keeps content that others on the machine cannot read, and shows it without a gateway, too', async (t) => {
  const stateDir = newDir(t);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 0 });
  t.after(() => simulator.close());
  const words = ['--upstream', simulator.url, '--workers', '1', '--tls', 'off'];
  const product = await startProduct(words, stateDir, { SALLYPORT__AUDIT_LOG__CONTENT: 'full' });
  t.after(() => product.child.kill('SIGKILL'));
  const { key } = JSON.parse(product.command('keys', 'create', '--name', 'a', '--json')) as { key: string };
  const answer = await fetch(`${product.url.replace('https:', 'http:')}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(bodyOf(false)),
  });
  assert.equal(answer.status, 200, await answer.text());
  const id = answer.headers.get('x-request-id') ?? '';
  assert.equal(await product.end(), 0);
  assert.deepEqual(holding(stateDir, CANARY), []);
  for (const { file } of filesIn(join(stateDir, 'audit-content'))) assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(stateDir, 'audit-content')).mode & 0o777, 0o700);
  const { exit, out } = await sallyport(stateDir, `audit-log content ${id}`);
  assert.equal(exit, 0);
  assert.ok(out.includes(CANARY));
  assert.ok(auditRecords(stateDir).some(({ activity_name: name, entity }) => name === 'read' && entity?.uid === id));
  wholeOf(stateDir);
  const [file] = filesIn(join(stateDir, 'audit-content'));
  assert.ok(file);
  writeFileSync(file.file, '');
  assert.match((await sallyport(stateDir, `audit-log content ${id}`)).err, /is gone/);
});

test('what would act on a terminal is shown as what it is', async () => {
  await using it = await withContent('full');
  const { key } = await it.issue();
  const body = { ...bodyOf(false), messages: [{ role: 'user', content: 'a\u{9b}31m\u{202e}b' }] };
  const { headers } = await ask(it, { key, body });
  const id = idOf(headers);
  await recordOf(it.stateDir, id);
  const { out } = await sallyport(it.stateDir, `audit-log content ${id}`);
  assert.match(out, /^-- prompt\n.*a\\u\{9b\}31m\\u\{202e\}b/);
  assert.doesNotMatch(out, /[\u{80}-\u{9f}\u{202e}]/u);
});

test('a text that is another one than its record says is said to be, and what cannot be recorded is not shown', async () => {
  await using it = await withContent('full');
  const { key } = await it.issue();
  const { headers } = await ask(it, { key, body: bodyOf(false) });
  const id = idOf(headers);
  const { unmapped = {} } = await recordOf(it.stateDir, id);
  const folder = join(it.stateDir, 'audit-log');
  const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  const text = readFileSync(join(folder, name), 'utf8');
  const hash = String(unmapped['prompt_hash']);
  // In its place: the gateway goes on writing behind it.
  const fd = openSync(join(folder, name), 'r+');
  writeSync(fd, String(unmapped['completion_hash']), Buffer.byteLength(text.slice(0, text.indexOf(hash))));
  closeSync(fd);
  assert.match(
    (await sallyport(it.stateDir, `audit-log content ${id}`)).err,
    /The prompt is NOT the one of the record/,
  );

  await it.gateway.stop();
  const { exit, out, err } = await sallyport(it.stateDir, `audit-log content ${id}`);
  assert.deepEqual([exit, out], [1, '']);
  assert.match(err, /could not be recorded: nothing is shown/);
});

test('what is kept changes with the configuration, without a restart', async () => {
  await using it = await withContent('none');
  const { key } = await it.issue();
  const kept = async (): Promise<unknown> => {
    const { headers } = await ask(it, { key, body: bodyOf(true) });
    return (await recordOf(it.stateDir, idOf(headers))).unmapped?.['content'];
  };
  assert.equal(await kept(), undefined);
  for (const content of ['full', 'hash', 'none'] as const) {
    const config = { ...it.config, auditLog: { ...it.config.auditLog, content } };
    assert.deepEqual(await it.gateway.reload(config), []);
    assert.equal(await kept(), content === 'none' ? undefined : content);
  }
});
