/**
 * The whole configuration, assembled from the `config.ts` of each folder. In: the names and texts that an operator
 * writes. Out: durations are milliseconds under a name that ends in `Ms` (`timeouts.head` becomes `headMs`), sizes
 * are bytes under their own name, and what has no value is undefined.
 */
import * as z from 'zod';
import { listenerOptions, nameListenUnits } from '../adapters/http-server/config.ts';
import { storageConfig } from '../adapters/sqlite/config.ts';
import { tlsConfig } from '../adapters/tls/config.ts';
import { countersConfig } from '../adapters/valkey/config.ts';
import { adminConfig } from '../admin/config.ts';
import { alertsConfig } from '../alerts/config.ts';
import { anomalyConfig } from '../anomaly/config.ts';
import { auditLogConfig } from '../audit-log/config.ts';
import { modelsConfig, upstreamsConfig } from '../forward/config.ts';
import { shutdownConfig, transportConfig, workersConfig } from '../gateway/config.ts';
import type { DeepReadonly } from '../kernel/deep-readonly.ts';
import { isAnyAddress, urlHost } from '../kernel/host.ts';
import { group } from '../kernel/option.ts';
import { keyringConfig } from '../keyring/config.ts';
import { limitsConfig } from '../limits/config.ts';
import { authenticationConfig } from '../stages/authenticate/config.ts';
import { authorizationServerConfig } from '../oauth/config.ts';
import { reviewsConfig } from '../review/config.ts';
import { networkConfig } from '../stages/network/config.ts';
import { validationConfig } from '../stages/validate/config.ts';
import { telemetryConfig } from '../telemetry/config.ts';
import { dlpConfig, guardsConfig } from './later.ts';

/** The schema of `sallyport.yaml`, in the order in which an operator reads it. */
export const configSchema = group({
  listen: group({ ...listenerOptions, tls: tlsConfig })
    .prefault({})
    .transform((value) => nameListenUnits(value)),
  admin: adminConfig,
  workers: workersConfig,
  upstreams: upstreamsConfig,
  models: modelsConfig,
  network: networkConfig,
  authentication: authenticationConfig,
  keyring: keyringConfig,
  authorizationServer: authorizationServerConfig,
  limits: limitsConfig,
  validation: validationConfig,
  guards: guardsConfig,
  dlp: dlpConfig,
  auditLog: auditLogConfig,
  telemetry: telemetryConfig,
  anomaly: anomalyConfig,
  alerts: alertsConfig,
  reviews: reviewsConfig,
  storage: storageConfig,
  counters: countersConfig,
  shutdown: shutdownConfig,
  transport: transportConfig,
});

/** The configuration: plain data (it crosses threads by structured clone), frozen once loaded. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;

/**
 * The URL under which callers reach the gateway, without trailing slash. Unset, it follows the listener; never the
 * Host header, which the caller chooses.
 *
 * @param port the port that is listened on (the configured one may be 0)
 */
export function publicUrlOf(config: Config, port: number): string {
  const { publicUrl, host } = config.listen;
  return publicUrl ?? `https://${isAnyAddress(host) ? 'localhost' : urlHost(host)}:${port}`;
}

/** The JSON Schema (2020-12) of `sallyport.yaml`, for editors and `config schema`. Made once; not to be changed. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  jsonSchema ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return jsonSchema;
}

let jsonSchema: z.core.JSONSchema.BaseSchema | undefined;
