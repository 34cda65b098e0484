import { stringify } from 'yaml';

/** Whom the policies are about. */
export interface ClusterPlan {
  readonly namespace: string;
  /** Labels of the pods of vLLM and of the gateway. */
  readonly vllm: Readonly<Record<string, string>>;
  readonly gateway: Readonly<Record<string, string>>;
  /** Ports of vLLM's HTTP API. */
  readonly vllmPorts: readonly number[];
  /** Public port of the gateway. */
  readonly publicPort: number;
}

/**
 * Two NetworkPolicies: vLLM's pods are reached by the gateway's pods on the port of the API and by nobody else on any
 * port; the gateway's pods are reached on the public port only, so that the admin listener is not.
 */
export function networkPolicies({ namespace, vllm, gateway, vllmPorts, publicPort }: ClusterPlan): string {
  const policy = (name: string, labels: Readonly<Record<string, string>>, ingress: object[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: { podSelector: { matchLabels: labels }, policyTypes: ['Ingress'], ingress },
  });
  const tcp = (port: number) => ({ protocol: 'TCP', port });
  const parts = [
    policy('vllm-only-from-sallyport', vllm, [
      { from: [{ podSelector: { matchLabels: gateway } }], ports: vllmPorts.map(tcp) },
    ]),
    policy('sallyport-public-port-only', gateway, [{ ports: [tcp(publicPort)] }]),
  ];
  return parts.map((part) => `---\n${stringify(part)}`).join('');
}
