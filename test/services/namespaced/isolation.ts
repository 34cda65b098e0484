import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startProduct, type Product } from '../../support/product.ts';

/**
 * Runs in a network namespace: see `isolation.test.ts`. This namespace is the gateway's machine, where a vLLM listens on
 * all addresses; a second one is somebody in the same network, a third one another machine with a GPU.
 */
const dir = process.argv[2] ?? '';
const ROOT = join(import.meta.dirname, '../../..');
const HERE = '10.9.0.1';
const THERE = '10.9.1.2';
const PROMPT = 'a sentence that nobody between the two may read';

let product: Product;
let key: string;
const started: ChildProcess[] = [];

function run(line: string, input = ''): string {
  const result = spawnSync('sh', ['-ec', line], { encoding: 'utf8', input });
  assert.equal(result.status, 0, `${line}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Starts something that stays. */
function start(line: string): ChildProcess {
  const child = spawn('sh', ['-ec', `exec ${line}`], { stdio: 'ignore' });
  started.push(child);
  return child;
}

/** A vLLM, as a process of its own: this one waits for commands. */
function startVllm(prefix: string, listen: string): void {
  const main = join(ROOT, 'src/main.ts');
  start(
    `${prefix}'${process.execPath}' --disable-warning=ExperimentalWarning '${main}' simulate --listen ${listen} --model tiny`,
  );
}

/** Waits until a command succeeds; a machine under load takes its time. */
function until(line: string): void {
  const wait = `i=0; until ${line} >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 100 ]; sleep 0.1; done`;
  run(wait);
}

/** What somebody in the same network sees of a port: the status of an answer, or 000. */
const fromOutside = (url: string): string =>
  spawnSync(
    'ip',
    ['netns', 'exec', 'outside', 'curl', '-sk', '-m', '2', '-o', '/dev/null', '-w', '%{http_code}', url],
    {
      encoding: 'utf8',
    },
  ).stdout;

const VLLM = `http://${HERE}:8000/version`;
const GATEWAY = `https://${HERE}:8443`;

before(async () => {
  run(`
    ip netns add outside
    ip link add in0 type veth peer name out0 netns outside
    ip addr add ${HERE}/24 dev in0
    ip link set in0 up
    ip -n outside link set lo up
    ip -n outside addr add 10.9.0.2/24 dev out0
    ip -n outside link set out0 up
    ip netns add gpu
    ip link add to-gpu type veth peer name gpu0 netns gpu
    ip addr add 10.9.1.1/24 dev to-gpu
    ip link set to-gpu up
    ip -n gpu link set lo up
    ip -n gpu addr add ${THERE}/24 dev gpu0
    ip -n gpu link set gpu0 up
  `);
  startVllm('', '0.0.0.0:8000');
  until('curl -s -m 1 http://127.0.0.1:8000/version');
  product = await startProduct(
    ['--listen', '0.0.0.0:8443', '--admin-listen', '0.0.0.0:9443', '--workers', '1'],
    join(dir, 'state'),
  );
  key = (JSON.parse(product.command('keys', 'create', '--name', 'k', '--json')) as { key: string }).key;
});
after(async () => {
  for (const child of started) child.kill();
  assert.equal(await product.end(), 0);
});

/** A request with the key, from outside, through the gateway. */
function chatFromOutside(): string {
  const body = JSON.stringify({ model: 'tiny', max_tokens: 3, messages: [{ role: 'user', content: PROMPT }] });
  return run(
    `ip netns exec outside curl -sk -m 10 -o /dev/null -w '%{http_code}' ${GATEWAY}/v1/chat/completions ` +
      `-H 'authorization: Bearer ${key}' -H 'content-type: application/json' --data-binary @-`,
    body,
  );
}

/** What the doctor finds critical or high, and whether it calls that well. */
function diagnosis(): { readonly ok: boolean; readonly bad: readonly string[] } {
  const said = spawnSync(
    process.execPath,
    [join(ROOT, 'bin/sallyport.mjs'), 'doctor', '--json', '--state-dir', join(dir, 'state')],
    {
      encoding: 'utf8',
    },
  );
  const { ok, findings } = JSON.parse(said.stdout) as { ok: boolean; findings: { id: string; severity: string }[] };
  assert.equal(said.status, ok ? 0 : 1);
  const bad = findings.filter(({ severity }) => severity === 'critical' || severity === 'high').map(({ id }) => id);
  return { ok, bad };
}

const print = (...words: string[]): string => product.command('firewall', 'print', ...words);

const FORMS = [
  { form: 'nft', load: 'nft -f -', unload: 'nft delete table inet sallyport' },
  {
    form: 'iptables',
    load: 'sh -s',
    unload: 'iptables -t mangle -F && ip6tables -t mangle -F',
  },
] as const;

for (const { form, load, unload } of FORMS) {
  test(`with the rules of --${form} vLLM and the admin listener are reached through the gateway only`, () => {
    assert.equal(fromOutside(VLLM), '200', 'before the rules the bypass works');
    assert.notEqual(fromOutside(`https://${HERE}:9443/`), '000');
    // Once for each of the machine's two outer addresses.
    assert.deepEqual(diagnosis(), { ok: false, bad: ['vllm_reachable_around', 'vllm_reachable_around'] });
    const rules = print(`--${form}`);
    run(load, rules);
    run(load, rules); // again, as a service that is reloaded does it
    try {
      assert.equal(fromOutside(VLLM), '000', 'after them it does not');
      assert.equal(fromOutside(`https://${HERE}:9443/`), '000');
      assert.equal(fromOutside(`${GATEWAY}/healthz`), '200');
      assert.equal(chatFromOutside(), '200');
      assert.deepEqual(diagnosis(), { ok: true, bad: [] });
      // Also not from here by the outer address: so `serve` and `doctor` see that the rules hold.
      assert.equal(spawnSync('curl', ['-s', '-m', '1', VLLM]).status, 28);
      assert.equal(spawnSync('curl', ['-s', '-m', '1', 'http://127.0.0.1:8000/version']).status, 0);
    } finally {
      run(unload);
    }
    assert.equal(fromOutside(VLLM), '200');
  });

  test(`with --allow-from of --${form} the named address still reaches vLLM`, () => {
    run(load, print(`--${form}`, '--allow-from', '10.9.0.2,2001:db8::/32'));
    try {
      assert.equal(fromOutside(VLLM), '200');
    } finally {
      run(unload);
    }
  });
}

for (const { form, load, unload } of [
  FORMS[0],
  { ...FORMS[1], unload: `${FORMS[1].unload} && iptables -F && ip6tables -F` },
]) {
  test(`with --gateway-user of --${form} no other local user reaches vLLM`, () => {
    const asUser = (user: string) =>
      spawnSync('setpriv', [
        '--reuid',
        user,
        '--clear-groups',
        'curl',
        '-s',
        '-m',
        '2',
        'http://127.0.0.1:8000/version',
      ]).status;
    assert.equal(asUser('games'), 0);
    run(load, print(`--${form}`, '--gateway-user', 'daemon'));
    try {
      assert.notEqual(asUser('games'), 0);
      assert.equal(asUser('daemon'), 0);
      assert.equal(asUser('root'), 0);
    } finally {
      run(unload);
    }
  });
}

test('serve itself has warned of both addresses at its start', { timeout: 10_000 }, async () => {
  const warned = () =>
    product.lines
      .map((line) => JSON.parse(line) as { event: string; url?: string })
      .filter(({ event }) => event === 'reachable_around');
  // While commands ran, this process read nothing.
  while (warned().length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    warned()
      .map(({ url }) => url)
      .toSorted(),
    ['http://10.9.0.1:8000', 'http://10.9.1.1:8000'],
  );
});

test('an answer to a connection from a local port with the number of a guarded one passes', () => {
  run('nft -f -', print('--nft'));
  start('ip netns exec outside python3 -m http.server --bind 10.9.0.2 8765');
  until('curl -s -m 1 http://10.9.0.2:8765/');
  assert.match(run('curl -s -m 3 --local-port 50051 -o /dev/null -w "%{http_code}" http://10.9.0.2:8765/'), /200/);
  run('nft delete table inet sallyport');
});

test('the rules of another machine let in the gateway alone', async () => {
  const config = join(dir, 'far.yaml');
  writeFileSync(config, `upstreams: [{ name: far, url: "http://${THERE}:8000", plaintext: accepted }]\n`);
  const rules = print('--config', config, '--nft', '--on', 'far', '--gateway-address', '10.9.1.9');
  start(`ip netns exec gpu python3 -m http.server --bind ${THERE} 8000`);
  until(`curl -s -m 1 http://${THERE}:8000/`);
  run('ip netns exec gpu nft -f -', rules);
  assert.equal(spawnSync('curl', ['-s', '-m', '1', `http://${THERE}:8000/`]).status, 28);
  run('ip addr add 10.9.1.9/24 dev to-gpu');
  assert.equal(spawnSync('curl', ['-s', '-m', '2', '--interface', '10.9.1.9', `http://${THERE}:8000/`]).status, 0);
  run('ip netns exec gpu nft delete table inet sallyport');
});

test('through the tunnel of vpn print the gateway reaches vLLM, and between them there is no plain text', async () => {
  const { gateway, vllm, vllmAddress } = JSON.parse(
    product.command('vpn', 'print', '--wireguard', '--endpoint', `${THERE}:51820`, '--json'),
  ) as { gateway: string; vllm: string; vllmAddress: string };
  // `wg setconf` takes what is not of `wg-quick`: the addresses are set by hand, as that tool does it.
  const ends = [
    { name: 'wg-here', text: gateway, prefix: '' },
    { name: 'wg-there', text: vllm, prefix: 'ip netns exec gpu ' },
  ];
  for (const { name, text, prefix } of ends) {
    const address = /^Address = (.+)$/m.exec(text)?.[1] ?? '';
    const file = join(dir, `${name}.conf`);
    writeFileSync(file, text.replace(/^Address.*\n/m, ''), { mode: 0o600 });
    start(`${prefix}wireguard-go -f ${name}`);
    until(`${prefix}wg show ${name}`);
    run(`${prefix}wg setconf ${name} '${file}'`);
    run(`${prefix}ip addr add ${address} dev ${name}; ${prefix}ip link set ${name} up`);
  }
  const peer = ends[0]?.text.match(/^Address = ([0-9.]+)/m)?.[1] ?? '';
  run(`ip route add ${vllmAddress}/32 dev wg-here; ip netns exec gpu ip route add ${peer}/32 dev wg-there`);
  startVllm('ip netns exec gpu ', `${vllmAddress}:8000`);
  until(`curl -s -m 1 http://${vllmAddress}:8000/version`);
  const captured = join(dir, 'between.pcap');
  const sniffer = start(`tcpdump --immediate-mode -i to-gpu -U -w '${captured}'`);
  until(`test -s '${captured}'`);

  const config = join(dir, 'tunnel.yaml');
  writeFileSync(config, `upstreams: [{ url: "http://${vllmAddress}:8000", plaintext: accepted }]\n`);
  const through = await startProduct(['--config', config, '--workers', '1'], join(dir, 'tunnel-state'));
  let status = '';
  try {
    const own = (JSON.parse(through.command('keys', 'create', '--name', 'k', '--json')) as { key: string }).key;
    const body = JSON.stringify({ model: 'tiny', max_tokens: 3, messages: [{ role: 'user', content: PROMPT }] });
    status = run(
      `curl -sk -m 10 -o /dev/null -w '%{http_code}' ${through.url}/v1/chat/completions ` +
        `-H 'authorization: Bearer ${own}' -H 'content-type: application/json' --data-binary @-`,
      body,
    );
  } finally {
    assert.equal(await through.end(), 0);
  }
  assert.equal(status, '200');
  // Whoever is not in the tunnel does not get at it.
  assert.notEqual(
    spawnSync('ip', ['netns', 'exec', 'outside', 'curl', '-s', '-m', '1', `http://${vllmAddress}:8000/version`]).status,
    0,
  );
  // What it has heard it writes a moment later.
  until(`test $(stat -c %s '${captured}') -gt 1000`);
  sniffer.kill();
  const seen = readFileSync(captured);
  assert.ok(!seen.includes(PROMPT), 'but not what it says');
  assert.ok(!seen.includes('chat/completions'));
});
