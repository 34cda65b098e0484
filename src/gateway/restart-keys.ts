import type { Config } from '../config/schema.ts';

/** Keys whose change needs a restart. */
const RESTART_KEYS = [
  'listen.host',
  'listen.port',
  'listen.tls',
  'listen.publicUrl',
  'admin',
  'workers',
  'storage',
  'counters',
  'keyring',
  'auditLog.enabled',
  'transport',
] as const;

/** Which of them differ. */
export const restartNeeded = (now: Config, next: Config): readonly string[] =>
  RESTART_KEYS.filter((key) => JSON.stringify(pick(now, key)) !== JSON.stringify(pick(next, key)));

/** The next configuration with what needs a restart as it is now: a worker that is replaced must listen as its siblings do. */
export function withFixed(next: Config, now: Config): Config {
  const { host, port, tls, publicUrl } = now.listen;
  return {
    ...next,
    listen: { ...next.listen, host, port, tls, publicUrl },
    workers: now.workers,
    admin: now.admin,
    storage: now.storage,
    counters: now.counters,
    keyring: now.keyring,
    auditLog: { ...next.auditLog, enabled: now.auditLog.enabled },
    transport: now.transport,
  };
}

function pick(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}
