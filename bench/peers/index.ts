import { bare } from './bare.ts';
import { envoy } from './envoy.ts';
import { gateway } from './gateway.ts';
import { haproxy } from './haproxy.ts';
import { litellm } from './litellm.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import { portkey } from './portkey.ts';
import { vllmRouter } from './vllm-router.ts';

/** Measured every time; the first one is what the others are compared with. */
export const PEERS: readonly Peer[] = [nginx, haproxy, bare, gateway];

/** Measured with `--all`. */
export const MORE_PEERS: readonly Peer[] = [envoy, vllmRouter, portkey, litellm];
