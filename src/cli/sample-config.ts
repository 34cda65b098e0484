import { stringify } from 'yaml';
import type { IdentityProvider } from './identity-provider.ts';
import { LETS_ENCRYPT } from '../adapters/tls/config.ts';

/** What `init` asks for. */
export interface SampleAnswers {
  /** URL of the vLLM server. */
  readonly upstream: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  /** Whose certificate: a CA's by ACME, else one of its own CA. */
  readonly acme: SampleAcme | undefined;
  /** Whose tokens are accepted beside API keys. */
  readonly provider: IdentityProvider | undefined;
}

/** What a CA is asked with; what is undefined keeps its default. */
export interface SampleAcme {
  readonly directory: string | undefined;
  readonly email: string | undefined;
  readonly challenge: string | undefined;
}

const scalar = (value: string | number) => stringify(value).trim();

/** A `sallyport.yaml` with the answers in place and what else is often needed beside them, as comments. */
export function sampleConfig({ upstream, host, port, publicUrl, acme, provider }: SampleAnswers): string {
  const url = publicUrl === undefined ? '# publicUrl: https://llm.example.com' : `publicUrl: ${scalar(publicUrl)}`;
  return `# Configuration of Sallyport. Every key has a safe default; what is left out keeps it.
# Check it with "sallyport config check"; "sallyport config print" shows every key.

listen:
  host: ${scalar(host)}
  port: ${scalar(port)}
  # The URL that callers use; also the name in the certificate.
  ${url}
${acme === undefined ? OWN_CA : fromCa(acme)}
# admin:                       # admin API and metrics; keep it on loopback
#   host: 127.0.0.1
#   port: 9443

upstreams:
  - name: main
    url: ${scalar(upstream)}
    apiKey: \${env:VLLM_API_KEY:-}   # the key that vLLM was started with, if any
    # models: ["*"]            # names that this server is asked for

${provider === undefined ? NO_PROVIDER : fromProvider(provider)}
# network:                     # who may connect at all
#   allow: [10.0.0.0/8]
#   deny: []
#   bans:                      # addresses from which wrong credentials or scans do not end are refused for a time
#     allow: [192.0.2.0/24]    # never banned, such as an office behind one address

# limits:                      # what a key gets that has no limits of its own
#   default:
#     requestsPerMinute: 600
#     tokensPerMinute: 2000000
#     concurrency: 32
#     maxOutputTokens: 65536
#     budget: { tokens: none, per: day }
#   rules:                     # more limits: docs/reference/limits.md
#     - { name: share, per: [group, member], tokens: 200000/day }

# validation:
#   maxBodyBytes: 8MiB
`;
}

const NO_PROVIDER = `# authentication:              # tokens of an identity provider beside API keys
#   issuers:
#     - issuer: https://login.example.com/realms/team
#       audience: https://llm.example.com
`;

function fromProvider({ issuer, audience }: IdentityProvider): string {
  const line =
    audience === undefined ? '# audience: …              # left out: publicUrl' : `audience: ${scalar(audience)}`;
  return `authentication:
  issuers:                     # whose access tokens are accepted beside API keys
    - issuer: ${scalar(issuer)}
      ${line}
      # defaultModels: ["*"]   # models of tokens that name none
`;
}

const OWN_CA = `  # tls:                       # the default is a certificate of its own CA: ca.pem in the state directory
  #   mode: files
  #   certFile: /etc/ssl/llm.pem
  #   keyFile: /etc/ssl/llm.key
`;

function fromCa({ directory, email, challenge }: SampleAcme): string {
  const line = (name: string, value: string | undefined, example: string, why: string) =>
    `      ${(value === undefined ? `# ${name}: ${example}` : `${name}: ${scalar(value)}`).padEnd(24)} # ${why}\n`;
  return `  tls:
    mode: acme                 # a certificate of a CA for the host of publicUrl, got and renewed by itself
    acme:
${line('directory', directory, LETS_ENCRYPT, "the CA; Let's Encrypt unless told otherwise")}\
${line('email', email, 'ops@example.org', 'where the CA writes')}\
${line('challenge', challenge, 'tls-alpn-01', 'asked on port 443; http-01 on port 80; dns-01 by a hook')}`;
}
