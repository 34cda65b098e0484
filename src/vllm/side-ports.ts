/** A port beside the HTTP API that vLLM can open. None of them has authentication or encryption. */
export interface SidePort {
  readonly port: number;
  /** What speaks there, for a person. */
  readonly what: string;
  /** The setting of vLLM that opens or moves it. */
  readonly setting: string;
}

/** The side ports by their defaults (vLLM 0.33.0, its security guide and sources). An HTTP gateway cannot protect them. */
export const SIDE_PORTS: readonly SidePort[] = [
  { port: 5557, what: 'KV event publisher', setting: '--kv-events-config' },
  { port: 5600, what: 'NIXL side channel', setting: 'VLLM_NIXL_SIDE_CHANNEL_PORT' },
  { port: 5601, what: 'encoder-cache side channel', setting: 'VLLM_EC_SIDE_CHANNEL_PORT' },
  { port: 5710, what: 'P2P side channel', setting: 'VLLM_P2P_SIDE_CHANNEL_PORT' },
  { port: 6301, what: 'MoRI-IO handshake', setting: 'the configuration of the connector' },
  { port: 6379, what: 'Ray cluster control', setting: 'ray start' },
  { port: 8998, what: 'Mooncake bootstrap', setting: 'VLLM_MOONCAKE_BOOTSTRAP_PORT' },
  { port: 9256, what: 'data-parallel supervisor', setting: '--data-parallel-supervisor-port' },
  { port: 14579, what: 'KV and encoder-cache transfer', setting: '--kv-port' },
  { port: 29500, what: 'torch.distributed store', setting: 'master_port' },
  { port: 29501, what: 'torch.distributed store', setting: 'data_parallel_master_port' },
  { port: 29550, what: 'data-parallel RPC', setting: '--data-parallel-rpc-port' },
  { port: 50051, what: 'gRPC: generate, abort, weight update', setting: '--grpc-port' },
];
