import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { choice, count, group, list, text } from '../../kernel/option.ts';

const file = (what: string) => text(`Give the path of ${what}.`).optional().describe(`PEM file with ${what}.`);

/** The production CA of Let's Encrypt. */
export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

/** Where and for what a certificate is asked for (RFC 8555). */
const acme = group({
  directory: text('Give the https: URL of an ACME directory.', isDirectory)
    .prefault(LETS_ENCRYPT)
    .describe("Directory of the CA; Let's Encrypt unless told otherwise."),
  email: text('Give an e-mail address such as ops@example.org.', (value) => /^[^\s@,;:]+@[^\s@,;:]+$/.test(value))
    .optional()
    .describe('Where the CA writes about this account.'),
  names: list(
    text('Give a DNS name such as llm.example.org, or *.example.org with dns-01.', isCertificateName).transform(
      (name) => name.toLowerCase(),
    ),
  )
    .max(100, { error: 'Give at most 100 names.' })
    .prefault([])
    .describe('Names in the certificate; the host of listen.publicUrl where the list is empty.'),
  challenge: choice('tls-alpn-01', 'http-01', 'dns-01')
    .prefault('tls-alpn-01')
    .describe('How the CA sees that the names lead here: on port 443, on port 80, or in the DNS.'),
  httpPort: count(1, 65_535)
    .prefault(80)
    .describe('Port for http-01; the CA asks for port 80, so another one needs a forward.'),
  hook: text('Give the absolute path of a program, or drop: and the absolute path of a folder.', (value) =>
    /^(drop:)?\/[^\0]*$/.test(value),
  )
    .optional()
    .describe(
      'Publishes the records of dns-01: HOOK add|remove NAME VALUE, or drop:/FOLDER where NAME.txt is written.',
    ),
}).prefault({});

/** TLS of both listeners: where the certificate comes from. */
export const tlsConfig = group({
  mode: choice('self-signed', 'files', 'acme', 'off')
    .prefault('self-signed')
    .describe('self-signed makes and renews its own; acme asks a CA; off only on loopback or behind trusted proxies.'),
  certFile: file('the certificate and its chain'),
  keyFile: file('the private key'),
  clientCaFile: file('the CA of client certificates, which are then asked for'),
  acme,
}).prefault({});

/** TLS of both listeners as it comes out; file paths are absolute once loaded. */
export type TlsConfig = DeepReadonly<z.output<typeof tlsConfig>>;

function isDirectory(value: string): boolean {
  const url = URL.parse(value);
  return (
    url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '' && !/\s/.test(value)
  );
}

/** A DNS name of at least two labels, the first of which may be `*`. */
function isCertificateName(value: string): boolean {
  return (
    value.length <= 253 &&
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(value)
  );
}
