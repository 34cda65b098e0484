import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { iptablesRules } from './iptables.ts';
import { networkPolicies } from './network-policy.ts';
import { nftRules } from './nft.ts';
import { guardedPorts, type IsolationPlan } from './plan.ts';
import { ufwRules } from './ufw.ts';
import { wireguardConfigs } from './wireguard.ts';

// That the rules hold is shown with real filters in namespaces of their own: `npm run test:services`.
const ports = guardedPorts([
  ...Array.from({ length: 17 }, (_, i) => ({ port: 9100 + i, what: 'side', isVllm: true })),
  { port: 9443, what: 'admin listener', isVllm: false },
  { port: 8000, what: 'API', isVllm: true },
  { port: 8000, what: 'API again', isVllm: true },
]);
const plan: IsolationPlan = {
  machine: 'a test',
  ports,
  allowFrom: ['10.0.0.0/8', '2001:db8::1'],
  gatewayUser: 'sallyport',
};

test('each port is guarded once, in order, by the first word said of it', () => {
  assert.deepEqual(
    ports.map(({ port }) => port),
    [8000, ...Array.from({ length: 17 }, (_, i) => 9100 + i), 9443],
  );
  assert.equal(ports[0]?.what, 'API');
});

test('every form guards every port, and the local rule spares the admin listener', () => {
  for (const text of [nftRules(plan), iptablesRules(plan), ufwRules(plan)]) {
    for (const { port } of ports) assert.match(text, new RegExp(`\\b${port}\\b`));
  }
  const local = nftRules(plan).split('chain local')[1] ?? '';
  assert.match(local, /8000/);
  assert.doesNotMatch(local, /9443/);
  const lines = iptablesRules(plan).split('\n');
  assert.ok(lines.some((line) => line.includes('mangle') && line.includes('9443') && line.includes('DROP')));
  assert.ok(!lines.some((line) => line.includes('SALLYPORT-LOCAL') && line.includes('9443')));
});

test('an address is allowed in its own family only, before anything is dropped', () => {
  const rules = iptablesRules(plan).split('\n');
  assert.ok(rules.includes('iptables -w -t mangle -A SALLYPORT -s 10.0.0.0/8 -j RETURN'));
  assert.ok(rules.includes('ip6tables -w -t mangle -A SALLYPORT -s 2001:db8::1 -j RETURN'));
  const nft = nftRules(plan);
  assert.match(
    nft,
    /ip saddr \{ 10\.0\.0\.0\/8 \} return\n +ip6 saddr \{ 2001:db8::1 \} return\n +meta l4proto tcp counter drop/,
  );
});

test('a multiport match of iptables never has more than the fifteen ports that it takes', () => {
  for (const [, list = ''] of iptablesRules(plan).matchAll(/--dports (\S+)/g)) assert.ok(list.split(',').length <= 15);
});

test('the policies let the gateway reach the API, everybody the public port, and nobody anything else', () => {
  const text = networkPolicies({
    namespace: 'llm',
    vllm: { app: 'vllm' },
    gateway: { app: 'sallyport' },
    vllmPorts: [8000],
    publicPort: 8443,
  });
  const documents = parseAllDocuments(text).map((one) => one.toJS() as { spec: { ingress: unknown } });
  assert.deepEqual(
    documents.map(({ spec }) => spec.ingress),
    [
      [{ from: [{ podSelector: { matchLabels: { app: 'sallyport' } } }], ports: [{ protocol: 'TCP', port: 8000 }] }],
      [{ ports: [{ protocol: 'TCP', port: 8443 }] }],
    ],
  );
});

test('each end of the tunnel has its own private key and lets in the one address of the other', () => {
  const { gateway, vllm } = wireguardConfigs({
    gateway: { privateKey: 'a', publicKey: 'A', address: 'fd00::1' },
    vllm: { privateKey: 'b', publicKey: 'B', address: 'fd00::2' },
    presharedKey: 'p',
    endpoint: 'gpu:51820',
    listenPort: 51_820,
  });
  assert.match(gateway, /PrivateKey = a\nAddress = fd00::1\/128\n/);
  assert.match(gateway, /PublicKey = B\nPresharedKey = p\nAllowedIPs = fd00::2\/128\nEndpoint = gpu:51820\n/);
  assert.match(vllm, /PrivateKey = b\nAddress = fd00::2\/128\nListenPort = 51820\n/);
  assert.match(vllm, /PublicKey = A\nPresharedKey = p\nAllowedIPs = fd00::1\/128\n$/);
});
