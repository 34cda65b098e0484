import type { Command } from './command.ts';

/**
 * Every command by its first word, in the order of the overview. Each is loaded when it is asked for: `serve` must not
 * wait for what the others need.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.ts')).demo,
  init: async () => (await import('./init.ts')).init,
  serve: async () => (await import('./serve.ts')).serve,
  keys: async () => (await import('./keys.ts')).keys,
  tenants: async () => (await import('./tenants.ts')).tenants,
  clients: async () => (await import('./clients.ts')).clients,
  tokens: async () => (await import('./tokens.ts')).tokens,
  'signing-keys': async () => (await import('./signing-keys.ts')).signingKeys,
  sessions: async () => (await import('./sessions.ts')).sessions,
  grants: async () => (await import('./grants.ts')).grants,
  users: async () => (await import('./users.ts')).users,
  roles: async () => (await import('./roles.ts')).roles,
  groups: async () => (await import('./groups.ts')).groups,
  policies: async () => (await import('./policies.ts')).policies,
  keyring: async () => (await import('./keyring.ts')).keyring,
  apply: async () => (await import('./apply.ts')).apply,
  connect: async () => (await import('./connect.ts')).connect,
  usage: async () => (await import('./usage.ts')).usage,
  limits: async () => (await import('./limits.ts')).limits,
  streams: async () => (await import('./streams.ts')).streams,
  anomalies: async () => (await import('./anomalies.ts')).anomalies,
  quarantine: async () => (await import('./quarantine.ts')).quarantine,
  alerts: async () => (await import('./alerts.ts')).alerts,
  bans: async () => (await import('./bans.ts')).bans,
  upstreams: async () => (await import('./upstreams.ts')).upstreams,
  incident: async () => (await import('./incident.ts')).incident,
  review: async () => (await import('./review.ts')).review,
  'audit-log': async () => (await import('./audit-log.ts')).auditLog,
  advisories: async () => (await import('./advisories.ts')).advisories,
  explain: async () => (await import('./explain.ts')).explain,
  routes: async () => (await import('./routes.ts')).routes,
  config: async () => (await import('./config.ts')).config,
  doctor: async () => (await import('./doctor.ts')).doctor,
  firewall: async () => (await import('./firewall.ts')).firewall,
  vpn: async () => (await import('./vpn.ts')).vpn,
  simulate: async () => (await import('./simulate.ts')).simulate,
};

/** The command of a name; undefined where there is none. */
export function loadCommand(name: string): Promise<Command> | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.() : undefined;
}

/** All commands, in the order of the overview. */
export function loadAllCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}
