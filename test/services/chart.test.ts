import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const chart = join(root, 'deploy/helm/sallyport');
const HELM = process.env['HELM'] ?? 'helm';
const VALIDATE = process.env['KUBERNETES_VALIDATE'] ?? 'kubernetes-validate';
/** Helm from the module proxy takes a cluster for one of release 1.20 unless it is told. */
const CLUSTER = ['--kube-version', '1.36.0', '--namespace', 'inference'];
const dir = mkdtempSync(join(tmpdir(), 'sallyport-chart-'));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // The chart is judged as text that others wrote: whatever is there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly spec: any;
  readonly data?: Readonly<Record<string, string>>;
}

function run(command: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${words.join(' ')}: ${String(error)} ${stdout}${stderr}`);
  return stdout + stderr;
}

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'as it is': [],
  'with everything': [
    'vllmApiKey.secretName=vllm',
    'tls.secretName=certificate',
    'secrets={more}',
    'networkPolicy.egress.enabled=true',
    'networkPolicy.vllm.namespace=models',
    'metrics.serviceMonitor.enabled=true',
    'metrics.serviceMonitor.keySecret.name=prometheus',
    'state.persistent=false',
  ],
};

function render(settings: readonly string[]): { text: string; resources: Resource[] } {
  const sets = settings.flatMap((setting) => ['--set', setting]);
  const text = run(HELM, ['template', 'gate', chart, ...CLUSTER, ...sets]);
  return { text, resources: parseAllDocuments(text).map((document) => document.toJS() as Resource) };
}

const one = (resources: readonly Resource[], kind: string, end = ''): Resource => {
  const found = resources.filter((resource) => resource.kind === kind && resource.metadata.name.endsWith(end));
  assert.equal(found.length, 1, `${kind} ${end}`);
  return found[0] as Resource;
};

test('helm finds nothing wrong with the chart', () => {
  run(HELM, ['lint', '--strict', '--kube-version', '1.36.0', chart]);
});

for (const [name, settings] of Object.entries(SETTINGS)) {
  test(`the chart ${name} is valid for Kubernetes, no unknown property`, () => {
    const file = join(dir, 'rendered.yaml');
    writeFileSync(file, render(settings).text);
    for (const release of ['1.30', '1.37'])
      assert.match(
        run(VALIDATE, ['--strict', '--kubernetes-version', release, file]),
        /passed for resource deployment\/gate-sallyport /,
      );
  });

  test(`the pod of the chart ${name} keeps to the restricted pod standard`, () => {
    const { spec } = one(render(settings).resources, 'Deployment').spec.template;
    assert.deepEqual(beyondRestricted(spec), []);
    assert.equal(spec.automountServiceAccountToken, false);
    for (const { securityContext } of spec.containers) assert.equal(securityContext.readOnlyRootFilesystem, true);
  });

  test(`the gateway takes the configuration of the chart ${name}`, () => {
    const { data } = one(render(settings).resources, 'ConfigMap');
    const file = join(dir, 'sallyport.yaml');
    // The files of a cluster are not there, and only they may be missed.
    const text = (data?.['sallyport.yaml'] ?? '').replaceAll('/run/secrets', dir);
    for (const path of ['vllm/vllm-api-key', 'tls/tls.crt', 'tls/tls.key']) {
      run('install', ['-D', '-m', '600', '/dev/null', join(dir, path)]);
      writeFileSync(join(dir, path), 'secret-of-a-cluster');
    }
    writeFileSync(file, text);
    run(process.execPath, [join(root, 'bin/sallyport.mjs'), 'config', 'check', '--config', file]);
  });
}

test('the judge of the pod standard is not blind', () => {
  const { spec } = one(render([]).resources, 'Deployment').spec.template;
  const [container] = spec.containers;
  const worse: readonly object[] = [
    { hostNetwork: true },
    { securityContext: {} },
    { volumes: [{ name: 'host', hostPath: { path: '/' } }] },
    ...[{ privileged: true }, { allowPrivilegeEscalation: undefined }, { capabilities: {} }, { runAsUser: 0 }].map(
      (change) => ({ containers: [{ ...container, securityContext: { ...container.securityContext, ...change } }] }),
    ),
  ];
  for (const change of worse) assert.notDeepEqual(beyondRestricted({ ...spec, ...change }), [], JSON.stringify(change));
});

test('one pod owns the store, and none runs beside it while it is replaced', () => {
  const { spec } = one(render([]).resources, 'Deployment');
  assert.deepEqual([spec.replicas, spec.strategy], [1, { type: 'Recreate' }]);
  assert.equal(one(render([]).resources, 'PodDisruptionBudget').spec.maxUnavailable, 1);
});

test('the probes ask the public listener over TLS, over HTTP where it has none', () => {
  for (const [settings, scheme] of [
    [[], 'HTTPS'],
    [['config.listen.tls.mode=off'], 'HTTP'],
  ] as const) {
    const [container] = one(render(settings).resources, 'Deployment').spec.template.spec.containers;
    assert.deepEqual(
      [container.readinessProbe, container.startupProbe, container.livenessProbe].map(({ httpGet }) => httpGet),
      ['/readyz', '/readyz', '/healthz'].map((path) => ({ path, port: 'public', scheme })),
    );
  }
});

test('vLLM is reached by the gateway alone, the admin listener by nobody', () => {
  const { resources } = render([]);
  const { labels } = one(resources, 'Deployment').spec.template.metadata;
  const selected = { 'app.kubernetes.io/name': 'sallyport', 'app.kubernetes.io/instance': 'gate' };
  assert.deepEqual({ ...labels, ...selected }, labels);
  assert.deepEqual(one(resources, 'NetworkPolicy', '-vllm').spec, {
    podSelector: { matchLabels: { app: 'vllm' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        ports: [{ protocol: 'TCP', port: 8000 }],
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'inference' } },
            podSelector: { matchLabels: selected },
          },
        ],
      },
    ],
  });
  assert.deepEqual(one(resources, 'NetworkPolicy', 'sallyport').spec, {
    podSelector: { matchLabels: selected },
    policyTypes: ['Ingress'],
    ingress: [{ ports: [{ protocol: 'TCP', port: 8443 }] }],
  });
});

test('the metrics are for whom the values name, and for a key', () => {
  const { resources } = render(SETTINGS['with everything'] ?? []);
  const policy = one(resources, 'NetworkPolicy', 'sallyport').spec;
  assert.deepEqual(policy.ingress[1], {
    ports: [{ protocol: 'TCP', port: 9443 }],
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
  });
  const [endpoint] = one(resources, 'ServiceMonitor').spec.endpoints;
  assert.deepEqual([endpoint.path, endpoint.scheme], ['/metrics', 'https']);
  assert.equal(endpoint.authorization.credentials.name, 'prometheus');
  const without = spawnSync(HELM, [
    'template',
    'gate',
    chart,
    ...CLUSTER,
    '--set',
    'metrics.serviceMonitor.enabled=true',
  ]);
  assert.notEqual(without.status, 0, 'no key named');
});

/** What a pod has beyond the restricted profile of the Pod Security Standards (which holds the baseline profile). */
// oxlint-disable-next-line typescript/no-explicit-any
function beyondRestricted(pod: any): string[] {
  const found: string[] = [];
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) if (pod[name] === true) found.push(name);
  const volumes = new Set([
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ]);
  for (const volume of pod.volumes ?? [])
    for (const kind of Object.keys(volume)) if (kind !== 'name' && !volumes.has(kind)) found.push(`volume ${kind}`);
  for (const container of [...pod.containers, ...(pod.initContainers ?? []), ...(pod.ephemeralContainers ?? [])]) {
    const own = container.securityContext ?? {};
    const of = (name: string): unknown => own[name] ?? pod.securityContext?.[name];
    if (own.privileged === true) found.push('privileged');
    if (own.allowPrivilegeEscalation !== false) found.push('allowPrivilegeEscalation');
    if (of('runAsNonRoot') !== true) found.push('runAsNonRoot');
    if (of('runAsUser') === 0) found.push('runAsUser');
    const seccomp = (of('seccompProfile') as { type?: string } | undefined)?.type ?? '';
    if (!['RuntimeDefault', 'Localhost'].includes(seccomp)) found.push('seccompProfile');
    if (!(own.capabilities?.drop ?? []).includes('ALL')) found.push('capabilities.drop');
    for (const name of own.capabilities?.add ?? []) if (name !== 'NET_BIND_SERVICE') found.push(`capability ${name}`);
    if (own.procMount !== undefined && own.procMount !== 'Default') found.push('procMount');
    for (const { hostPort } of container.ports ?? [])
      if (hostPort !== undefined && hostPort !== 0) found.push('hostPort');
    for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'])
      if (container[probe]?.httpGet?.host !== undefined) found.push(`${probe}.host`);
  }
  if ((pod.securityContext?.sysctls ?? []).length > 0) found.push('sysctls');
  return found;
}
