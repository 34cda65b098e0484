import { stringify } from 'yaml';

/** What `init` asks for. */
export interface SampleAnswers {
  /** URL of the vLLM server. */
  readonly upstream: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
}

/** A `sallyport.yaml` with the answers in place and what else is often needed beside them, as comments. */
export function sampleConfig({ upstream, host, port, publicUrl }: SampleAnswers): string {
  const scalar = (value: string | number) => stringify(value).trim();
  const url = publicUrl === undefined ? '# publicUrl: https://llm.example.com' : `publicUrl: ${scalar(publicUrl)}`;
  return `# Configuration of Sallyport. Every key has a safe default; what is left out keeps it.
# Check it with "sallyport config check"; "sallyport config print" shows every key.

listen:
  host: ${scalar(host)}
  port: ${scalar(port)}
  # The URL that callers use; also the name in the certificate.
  ${url}
  # tls:                       # the default is a certificate of its own CA: ca.pem in the state directory
  #   mode: files
  #   certFile: /etc/ssl/llm.pem
  #   keyFile: /etc/ssl/llm.key

# admin:                       # admin API and metrics; keep it on loopback
#   host: 127.0.0.1
#   port: 9443

upstreams:
  - name: main
    url: ${scalar(upstream)}
    apiKey: \${env:VLLM_API_KEY:-}   # the key that vLLM was started with, if any
    # models: ["*"]            # names that this server is asked for

# network:                     # who may connect at all
#   allow: [10.0.0.0/8]
#   deny: []

# limits:                      # what a key gets that has no limits of its own
#   default:
#     requestsPerMinute: 600
#     concurrency: 32
#     maxOutputTokens: 65536

# validation:
#   maxBodyBytes: 8MiB
`;
}
