import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { choiceSoFar, group, later, laterList, laterUnset, text } from '../../kernel/option.ts';

const file = (what: string) => text(`Give the path of ${what}.`).optional().describe(`PEM file with ${what}.`);

/** TLS of both listeners: where the certificate comes from. */
export const tlsConfig = group({
  mode: choiceSoFar(['self-signed', 'files', 'off'], ['acme'])
    .prefault('self-signed')
    .describe('self-signed makes and renews its own; off only on loopback or behind trusted proxies.'),
  certFile: file('the certificate and its chain'),
  keyFile: file('the private key'),
  clientCaFile: laterUnset(),
  acme: group({
    directory: laterUnset(),
    email: laterUnset(),
    names: laterList(),
    challenge: later('tls-alpn-01'),
    httpPort: later(80),
    hook: laterUnset(),
  }).prefault({}),
}).prefault({});

/** TLS of both listeners as it comes out; file paths are absolute once loaded. */
export type TlsConfig = DeepReadonly<z.output<typeof tlsConfig>>;
