/** An end of the tunnel. Keys are 32 bytes in base64, as `wg` writes them. */
export interface TunnelEnd {
  /** Secret. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** Its address in the tunnel. */
  readonly address: string;
}

/** A tunnel between the gateway's machine and that of a vLLM server. */
export interface Tunnel {
  readonly gateway: TunnelEnd;
  readonly vllm: TunnelEnd;
  /** Secret of both ends (hardens against a later break of X25519). */
  readonly presharedKey: string;
  /** Where the gateway's machine reaches that of vLLM: `HOST:PORT`, over UDP. */
  readonly endpoint: string;
  readonly listenPort: number;
}

/** Both ends as files of `wg-quick`. Each end lets in nothing but the other end's one address. */
export function wireguardConfigs({ gateway, vllm, presharedKey, endpoint, listenPort }: Tunnel): {
  readonly gateway: string;
  readonly vllm: string;
} {
  const prefix = gateway.address.includes(':') ? 128 : 32;
  return {
    gateway: section('Interface', [
      ['PrivateKey', gateway.privateKey],
      ['Address', `${gateway.address}/${prefix}`],
    ]).concat(
      '\n',
      section('Peer', [
        ['PublicKey', vllm.publicKey],
        ['PresharedKey', presharedKey],
        ['AllowedIPs', `${vllm.address}/${prefix}`],
        ['Endpoint', endpoint],
        // Firewalls between the two forget a silent UDP flow after half a minute or so.
        ['PersistentKeepalive', '25'],
      ]),
    ),
    vllm: section('Interface', [
      ['PrivateKey', vllm.privateKey],
      ['Address', `${vllm.address}/${prefix}`],
      ['ListenPort', String(listenPort)],
    ]).concat(
      '\n',
      section('Peer', [
        ['PublicKey', gateway.publicKey],
        ['PresharedKey', presharedKey],
        ['AllowedIPs', `${gateway.address}/${prefix}`],
      ]),
    ),
  };
}

const section = (name: string, lines: readonly (readonly [string, string])[]): string =>
  `[${name}]\n${lines.map(([key, value]) => `${key} = ${value}\n`).join('')}`;
