/** A TCP port that nobody but the gateway is to reach. */
export interface GuardedPort {
  readonly port: number;
  /** What listens there, for the comment beside it. */
  readonly what: string;
  /** One of vLLM's: a local user has no business there either. */
  readonly isVllm: boolean;
}

/** What a machine's packet filter is to hold, whichever tool writes it. */
export interface IsolationPlan {
  /** Whose machine it is, for the heading: `the gateway's machine`. */
  readonly machine: string;
  /** Each port once, ascending. */
  readonly ports: readonly GuardedPort[];
  /** Addresses or CIDRs that may reach the ports from outside; over loopback they are always reached. */
  readonly allowFrom: readonly string[];
  /** The user as whom the gateway runs: with it no other local user but root reaches vLLM. */
  readonly gatewayUser: string | undefined;
}

/** The ports in order and each once: of the same port the first word stays. */
export function guardedPorts(ports: readonly GuardedPort[]): readonly GuardedPort[] {
  const byPort = new Map<number, GuardedPort>();
  for (const one of ports) if (!byPort.has(one.port)) byPort.set(one.port, one);
  return [...byPort.values()].sort((a, b) => a.port - b.port);
}

/** Whether an entry of `allowFrom` is IPv6. */
export const isIpv6 = (network: string): boolean => network.includes(':');

/** The heading of every form: what it does and what it leaves alone. */
export function heading({ machine, ports, allowFrom, gatewayUser }: IsolationPlan): readonly string[] {
  const from = allowFrom.length === 0 ? 'nobody' : allowFrom.join(', ');
  return [
    `Written by "sallyport firewall print" for ${machine}.`,
    `These ports are reached over loopback, and from outside by ${from}.`,
    ...(gatewayUser === undefined ? [] : [`Locally only ${gatewayUser} and root reach vLLM.`]),
    'All other ports are left as they are.',
    ...ports.map(({ port, what }) => `  ${port}  ${what}`),
  ];
}
