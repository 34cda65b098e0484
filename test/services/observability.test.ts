import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulator, type RunningSimulator } from '../../src/adapters/simulator-server/server.ts';
import { freePort } from '../support/free-port.ts';
import { startCollector, type Collector } from '../support/collector.ts';
import { startProduct, type Product } from '../support/product.ts';

/** No Grafana runs here: what its panels would ask is asked of a real Prometheus that scrapes a real gateway. */
const folder = join(import.meta.dirname, '../../deploy/observability');
const readOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}
const { panels } = JSON.parse(readOf('dashboard.json')) as { panels: readonly Panel[] };
const exprs = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

function promtool(...words: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

test('the alert rules are correct, fire where they must, and leave a gateway that is well alone', () => {
  promtool('check', 'rules', 'alerts.yaml');
  promtool('test', 'rules', 'alerts.test.yaml');
  const tests = readOf('alerts.test.yaml');
  for (const [, name = ''] of readOf('alerts.yaml').matchAll(/alert: (\w+)/g)) {
    assert.match(tests, new RegExp(`alertname: ${name}\\n +exp_alerts`), `${name} is seen to fire`);
    assert.match(tests, new RegExp(`alertname: ${name} \\}`), `${name} is seen not to fire`);
  }
});

suite('with a Prometheus that scrapes a gateway', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-prometheus-'));
  let simulator: RunningSimulator;
  let product: Product;
  let collector: Collector;
  let prometheus: ReturnType<typeof spawn>;
  let url = '';
  let page = '';

  before(async () => {
    simulator = await startSimulator({ host: '127.0.0.1', port: 0, models: ['tiny'], chunkIntervalMs: 5 });
    collector = await startCollector();
    product = await startProduct(['--upstream', simulator.url, '--workers', '2'], undefined, {
      SALLYPORT__TELEMETRY__OTLP__ENDPOINT: collector.url,
      SALLYPORT__TELEMETRY__OTLP__INTERVAL: '1s',
      SALLYPORT__TELEMETRY__OTLP__SAMPLING__RATIO: '1',
      SALLYPORT__AUDIT_LOG__SHIP__0__NAME: 'siem',
      SALLYPORT__AUDIT_LOG__SHIP__0__TYPE: 'otlp',
      SALLYPORT__AUDIT_LOG__SHIP__0__URL: `${collector.url}/v1/logs`,
    });
    const make = (line: string) =>
      (JSON.parse(product.command('keys', 'create', ...line.split(' '), '--json')) as { key: string }).key;
    const keyFile = join(dir, 'key');
    writeFileSync(keyFile, make('--name prometheus --scopes metrics:read'), { mode: 0o600 });
    await traffic(make('--name caller'));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    // The configuration that operators copy, with this machine's places.
    const config = readOf('prometheus.yaml')
      .replaceAll('/etc/prometheus/sallyport.key', keyFile)
      .replaceAll('/etc/prometheus/sallyport-ca.pem', product.caFile)
      .replaceAll('127.0.0.1:9443', new URL(product.adminUrl).host)
      .replace('alerts.yaml', join(folder, 'alerts.yaml'));
    const file = join(dir, 'prometheus.yaml');
    writeFileSync(file, `global: { scrape_interval: 500ms, evaluation_interval: 1s }\n${config}`);
    promtool('check', 'config', file);
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${dir}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      { stdio: 'ignore' },
    );
    await collector.until(() => collector.got.length > 1);
    page = await curl('-H', `Authorization: Bearer ${readFileSync(keyFile, 'utf8')}`, `${product.adminUrl}/metrics`);
  });
  after(async () => {
    prometheus.kill('SIGKILL');
    await product.end();
    await simulator.close();
    await collector[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Over TLS, by the CA of the gateway. Not synchronous: the simulator answers from this process. */
  async function curl(...words: string[]): Promise<string> {
    return (await promisify(execFile)('curl', ['-sS', '-m', '10', '--cacert', product.caFile, ...words])).stdout;
  }

  /** Answers, a stream and refusals, so that every series is there. */
  async function traffic(key: string): Promise<void> {
    const chat = (stream: boolean) =>
      JSON.stringify({ model: 'tiny', stream, max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] });
    const post = ['-H', 'Content-Type: application/json', `${product.url}/v1/chat/completions`];
    for (let i = 0; i < 5; i++) {
      await curl('-H', `Authorization: Bearer ${key}`, '-d', chat(i % 2 === 0), ...post);
      await curl('-d', chat(false), ...post);
    }
  }

  async function query(expr: string): Promise<readonly { readonly value: readonly [number, string] }[]> {
    const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(asked)}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: { result: [] }; error?: string };
    assert.equal(status, 'success', `${asked}: ${error}`);
    return data.result;
  }

  /** There only where an upstream has a limit, or has told of itself. */
  const SOMETIMES = new Set([
    ...['sallyport_upstream_limit', 'sallyport_upstream_engine_requests'],
    // On the pages of the upstreams.
    'sallyport_upstream_metrics_refused_lines',
  ]);

  test('every metric that a panel or a rule names is on the page', () => {
    const named = new Set(`${readOf('dashboard.json')}${readOf('alerts.yaml')}`.match(/\bsallyport_[a-z0-9_]+/g));
    assert.ok(named.size > 10);
    for (const name of named.difference(SOMETIMES))
      assert.match(page, new RegExp(`^${name}(\\{| )`, 'm'), `${name} is on the page`);
  });

  test('and every metric of the page is in a panel or a rule', () => {
    const used = readOf('dashboard.json') + readOf('alerts.yaml');
    for (const [, name = ''] of page.matchAll(/^# TYPE (\S+)/gm)) assert.ok(used.includes(name), name);
  });

  test(
    'Prometheus keeps exemplars of both histograms, and each leads to a trace of the collector',
    { timeout: 180_000 },
    async () => {
      const names = ['sallyport_request_duration_seconds_bucket', 'sallyport_time_to_first_token_seconds_bucket'];
      for (const name of names) {
        let found: readonly { readonly labels: { readonly trace_id: string } }[] = [];
        while (found.length === 0) {
          await sleep(500);
          const range = `start=${Date.now() / 1000 - 600}&end=${Date.now() / 1000 + 60}`;
          const answer = await fetch(`${url}/api/v1/query_exemplars?query=${name}&${range}`);
          const { data } = (await answer.json()) as { data: readonly { readonly exemplars: typeof found }[] };
          found = data.flatMap(({ exemplars }) => exemplars);
        }
        const traces = new Set(collector.spans().map(({ traceId }) => traceId));
        for (const { labels } of found) assert.ok(traces.has(labels.trace_id), `${name} ${labels.trace_id}`);
      }
    },
  );

  test('every panel shows data', { timeout: 300_000 }, async () => {
    const key = (JSON.parse(product.command('keys', 'create', '--name', 'more', '--json')) as { key: string }).key;
    const empty = new Set(exprs.map(({ expr }) => expr));
    const shown: string[] = [];
    while (empty.size > 0) {
      await sleep(500);
      await traffic(key);
      for (const { title, expr } of exprs.filter((one) => empty.has(one.expr))) {
        const result = await query(expr).catch((error: unknown) => {
          // Not up yet.
          if (error instanceof TypeError) return [];
          throw error;
        });
        if (result.every(({ value }) => value[1] === 'NaN')) continue;
        empty.delete(expr);
        shown.push(`${title}: ${result.length} series, the first ${result[0]?.value[1]}\n`);
      }
      assert.equal(prometheus.exitCode, null);
    }
    process.stdout.write(shown.join(''));
  });

  test('no alert is on', async () => {
    const { data } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as { data: { alerts: { state: string }[] } };
    assert.deepEqual(
      data.alerts.filter(({ state }) => state === 'firing'),
      [],
    );
  });
});
