import { tcpPlaceOf } from '../kernel/tcp-place.ts';
import { iptablesRules } from '../isolation/iptables.ts';
import { networkPolicies } from '../isolation/network-policy.ts';
import { nftRules } from '../isolation/nft.ts';
import { guardedPorts, type GuardedPort, type IsolationPlan } from '../isolation/plan.ts';
import { ufwRules } from '../isolation/ufw.ts';
import type { Config } from '../config/schema.ts';
import { SIDE_PORTS } from '../vllm/side-ports.ts';
import { isNetwork } from '../wire/address.ts';
import { UsageError, type Command, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { json, listOf } from './text.ts';
import { runVerb } from './verbs.ts';
import { configOf } from './where.ts';

/** Rules of the machine's packet filter. */
export const firewall: Command = {
  name: 'firewall',
  summary: 'rules by which vLLM and the admin listener are reached from the gateway only',
  help: `sallyport firewall print --nft|--ufw|--iptables|--networkpolicy [--on UPSTREAM --gateway-address IP…]
                         [--allow-from CIDR…] [--gateway-user USER]
                         [--namespace NS] [--vllm-labels app=vllm] [--gateway-labels app.kubernetes.io/name=sallyport] [--json]

Writes rules from the configuration: the ports of vLLM on this machine, its side ports, and the admin listener are
reached from nowhere but the machine itself. --on writes the rules of the machine of an upstream that is another one,
where --gateway-address may reach them. --gateway-user lets locally only that user and root reach vLLM.
Other ports are left alone, and nothing is applied: read the rules, then load them.

Example: sallyport firewall print --nft | sudo nft -f -`,
  run: (words, io) => runVerb('firewall', [{ name: 'print', kinds: KINDS, words: [], run: print }], [], words, io),
};

const FORMS = ['nft', 'ufw', 'iptables', 'networkpolicy'] as const;
const KINDS = {
  ...Object.fromEntries(FORMS.map((form) => [form, 'flag' as const])),
  on: 'text',
  'gateway-address': 'list',
  'allow-from': 'list',
  'gateway-user': 'text',
  namespace: 'text',
  'vllm-labels': 'list',
  'gateway-labels': 'list',
} as const;

function print(flags: Flags, io: CommandIo): Promise<number> {
  const asked = FORMS.filter((form) => flags.has(form));
  const [form] = asked;
  if (form === undefined || asked.length > 1) {
    throw new UsageError('Say which tool: sallyport firewall print --nft|--ufw|--iptables|--networkpolicy');
  }
  const { config } = configOf(flags, io.env);
  const text = form === 'networkpolicy' ? policiesOf(flags, config) : WRITERS[form](planOf(flags, config));
  io.out(flags.has('json') ? json({ form, rules: text }) : text);
  if (form !== 'networkpolicy' && flags.text('on') === undefined) {
    for (const { port, what } of localPorts(config).filter((guarded) => guarded.port === config.listen.port)) {
      io.err(
        `Port ${port} is listen.port, too, so it is not in the rules (${what}): give one of the two another port.\n`,
      );
    }
    for (const name of elsewhere(config)) {
      io.err(
        `${name} is on another machine. Its rules: sallyport firewall print --${form} --on ${name} --gateway-address IP\n`,
      );
    }
  }
  return Promise.resolve(0);
}

const WRITERS = { nft: nftRules, ufw: ufwRules, iptables: iptablesRules };

function planOf(flags: Flags, config: Config): IsolationPlan {
  const gatewayUser = flags.text('gateway-user');
  if (gatewayUser !== undefined && !/^[a-z_0-9][a-z0-9_-]{0,31}$/i.test(gatewayUser)) {
    throw new UsageError('--gateway-user is the name or number of a user, such as sallyport.');
  }
  const allowed = networks(flags, 'allow-from');
  const on = flags.text('on');
  if (on === undefined) {
    return {
      machine: "the gateway's machine",
      // Callers reach the gateway there: a rule by the port alone would shut them out.
      ports: localPorts(config).filter(({ port }) => port !== config.listen.port),
      allowFrom: allowed,
      gatewayUser,
    };
  }
  const upstream = config.upstreams.find(({ name }) => name === on);
  if (upstream === undefined) {
    throw new UsageError(`--on ${on}: there is no such upstream. There are: ${names(config).join(', ')}.`);
  }
  const place = tcpPlaceOf(upstream.url);
  if (place === undefined || place.isHere)
    throw new UsageError(`--on ${on}: this upstream is on this machine; leave --on out.`);
  const gateways = networks(flags, 'gateway-address');
  if (gateways.length === 0)
    throw new UsageError('--gateway-address is missing: give the address the gateway comes from.');
  return {
    machine: `the machine of ${on}`,
    ports: guardedPorts([{ port: place.port, what: "vLLM's HTTP API", isVllm: true }, ...SIDE]),
    allowFrom: [...gateways, ...allowed],
    gatewayUser: undefined,
  };
}

const SIDE: readonly GuardedPort[] = SIDE_PORTS.map(({ port, what }) => ({
  port,
  what: `vLLM: ${what}`,
  isVllm: true,
}));

/** Ports of this machine that nobody else is to reach. */
const localPorts = (config: Config): readonly GuardedPort[] =>
  guardedPorts([...localApiPorts(config), ...adminPort(config), ...SIDE]);

function localApiPorts({ upstreams }: Config): GuardedPort[] {
  return upstreams.flatMap(({ name, url }) => {
    const place = tcpPlaceOf(url);
    return place?.isHere === true ? [{ port: place.port, what: `vLLM's HTTP API (${name})`, isVllm: true }] : [];
  });
}

/** On loopback only the machine itself reaches it already; the rule holds should that change. */
const adminPort = ({ admin }: Config): GuardedPort[] =>
  admin.port === 0 ? [] : [{ port: admin.port, what: 'admin listener', isVllm: false }];

const names = ({ upstreams }: Config): string[] => upstreams.map(({ name }) => name);

const elsewhere = ({ upstreams }: Config): string[] =>
  upstreams.filter(({ url }) => tcpPlaceOf(url)?.isHere === false).map(({ name }) => name);

function networks(flags: Flags, name: string): readonly string[] {
  const words = listOf(flags, name) ?? [];
  const wrong = words.find((word) => !isNetwork(word));
  if (wrong !== undefined) throw new UsageError(`--${name} ${wrong}: give an address or a CIDR such as 10.0.0.0/8.`);
  return words;
}

function policiesOf(flags: Flags, config: Config): string {
  const ports = config.upstreams.flatMap(({ url }) => tcpPlaceOf(url)?.port ?? []);
  return networkPolicies({
    namespace: flags.text('namespace') ?? 'default',
    vllm: labels(flags, 'vllm-labels') ?? { app: 'vllm' },
    gateway: labels(flags, 'gateway-labels') ?? { 'app.kubernetes.io/name': 'sallyport' },
    vllmPorts: [...new Set(ports)].sort((a, b) => a - b),
    publicPort: config.listen.port,
  });
}

function labels(flags: Flags, name: string): Record<string, string> | undefined {
  const words = listOf(flags, name);
  if (words === undefined) return undefined;
  return Object.fromEntries(
    words.map((word) => {
      const [, key = '', value = ''] = /^([a-zA-Z0-9][a-zA-Z0-9._/-]{0,252})=([a-zA-Z0-9._-]{0,63})$/.exec(word) ?? [];
      if (key === '') throw new UsageError(`--${name} ${word}: give a label such as app=vllm.`);
      return [key, value];
    }),
  );
}
