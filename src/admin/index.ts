import { advisories } from './advisories.ts';
import { alerts } from './alerts.ts';
import { apiKeys } from './api-keys.ts';
import { auditLog } from './audit-log.ts';
import { anomalies } from './anomalies.ts';
import { bans } from './bans.ts';
import { configResource } from './config-resource.ts';
import { explain } from './explain.ts';
import { grants } from './grants.ts';
import { groups } from './groups.ts';
import { instances } from './instances.ts';
import { keyring } from './keyring.ts';
import { limits } from './limits.ts';
import { oauthClients } from './oauth-clients.ts';
import type { Resource } from './operation.ts';
import { policies } from './policies.ts';
import { quarantine } from './quarantine.ts';
import { reviews } from './reviews.ts';
import { roles } from './roles.ts';
import { routes } from './routes.ts';
import { sessions } from './sessions.ts';
import { silences } from './silences.ts';
import { signingKeys } from './signing-keys.ts';
import { streams } from './streams.ts';
import { tenants } from './tenants.ts';
import { tokens } from './tokens.ts';
import { upstreams } from './upstreams.ts';
import { usage } from './usage.ts';
import { users } from './users.ts';

/** Every resource of the admin API. */
export const resources: readonly Resource[] = [
  apiKeys,
  oauthClients,
  tokens,
  signingKeys,
  users,
  sessions,
  grants,
  roles,
  groups,
  policies,
  keyring,
  tenants,
  routes,
  configResource,
  instances,
  upstreams,
  limits,
  usage,
  bans,
  streams,
  anomalies,
  quarantine,
  alerts,
  silences,
  auditLog,
  reviews,
  advisories,
  explain,
];
