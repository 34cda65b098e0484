import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { isLoopbackHost } from '../kernel/host.ts';
import { wireguardConfigs, type TunnelEnd } from '../isolation/wireguard.ts';
import type { Config } from '../config/schema.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json } from './text.ts';
import { runVerb } from './verbs.ts';
import { configOf } from './where.ts';

/** A tunnel to a vLLM on another machine. */
export const vpn: Command = {
  name: 'vpn',
  summary: 'both ends of a tunnel to a vLLM on another machine',
  help: `sallyport vpn print --wireguard [--upstream NAME] [--endpoint HOST[:PORT]] [--addresses GATEWAY,VLLM] [--json]

Writes both ends of a WireGuard tunnel with new keys: the gateway's and the one of vLLM's machine. --endpoint is where
the gateway's machine reaches that of vLLM (left out: the host of the upstream's url, UDP port 51820). Each call makes
other keys; they are shown this once.

Example: sallyport vpn print --wireguard --endpoint gpu-1.example.com`,
  run: (words, io) => runVerb('vpn', [{ name: 'print', kinds: KINDS, words: [], run: print }], [], words, io),
};

const KINDS = { wireguard: 'flag', upstream: 'text', endpoint: 'text', addresses: 'text' } as const;
const DEFAULT_PORT = 51_820;
const DEFAULT_ADDRESSES = '10.77.0.1,10.77.0.2';

function print(flags: Flags, io: CommandIo): Promise<number> {
  if (!flags.has('wireguard')) throw new UsageError('Say which kind: sallyport vpn print --wireguard');
  const { config } = configOf(flags, io.env);
  const { host, port } = endpointOf(flags, config);
  const [gatewayAddress, vllmAddress] = addressesOf(flags);
  const gateway = newEnd(gatewayAddress);
  const vllm = newEnd(vllmAddress);
  const ends = wireguardConfigs({
    gateway,
    vllm,
    presharedKey: randomBytes(32).toString('base64'),
    endpoint: `${host}:${port}`,
    listenPort: port,
  });
  const at = isIP(vllmAddress) === 6 ? `[${vllmAddress}]` : vllmAddress;
  const next = `upstreams: [{ url: "http://${at}:8000", plaintext: accepted }]`;
  if (flags.has('json')) io.out(json({ ...ends, vllmAddress, next }));
  else {
    io.out(`# ---- On the gateway's machine: /etc/wireguard/sallyport.conf (mode 0600), then: wg-quick up sallyport
${ends.gateway}
# ---- On vLLM's machine: /etc/wireguard/sallyport.conf (mode 0600), then: wg-quick up sallyport
${ends.vllm}
# ---- vLLM then listens in the tunnel only:  vllm serve MODEL --host ${vllmAddress}
# ---- and sallyport.yaml asks it there (the tunnel encrypts):
# ${next}
`);
  }
  return Promise.resolve(0);
}

function endpointOf(flags: Flags, config: Config): { host: string; port: number } {
  const word = flags.text('endpoint');
  if (word !== undefined) {
    const url = URL.parse(`udp://${word}`);
    const isPlain = url !== null && url.hostname !== '' && url.pathname === '' && url.username === '';
    if (!isPlain) throw new UsageError('--endpoint is HOST or HOST:PORT, such as gpu-1.example.com:51820.');
    return { host: url.hostname, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
  }
  const name = flags.text('upstream');
  const one = name === undefined ? config.upstreams[0] : config.upstreams.find((upstream) => upstream.name === name);
  if (one === undefined) throw new UsageError(`--upstream ${name ?? ''}: there is no such upstream.`);
  const host = URL.parse(one.url)?.hostname ?? '';
  if (host === '' || isLoopbackHost(host)) {
    throw new UsageError(`${one.name} is on this machine: give --endpoint HOST, the machine where vLLM is to run.`);
  }
  return { host, port: DEFAULT_PORT };
}

function addressesOf(flags: Flags): readonly [string, string] {
  const [gateway = '', vllm = '', ...more] = (flags.text('addresses') ?? DEFAULT_ADDRESSES).split(',');
  const isPair = more.length === 0 && gateway !== vllm && isIP(gateway) > 0 && isIP(gateway) === isIP(vllm);
  if (!isPair) throw new UsageError(`--addresses are two addresses in the tunnel, such as ${DEFAULT_ADDRESSES}.`);
  return [gateway, vllm];
}

function newEnd(address: string): TunnelEnd {
  const { privateKey } = generateKeyPairSync('x25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const base64 = (text: string) => Buffer.from(text, 'base64url').toString('base64');
  return { privateKey: base64(d), publicKey: base64(x), address };
}
