import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readSecretIfThere, writeAtomically } from '../tls/private-files.ts';
import { StateDirError } from './state-dir.ts';

/** The keys that read the names in the audit log: one of each tenant, apart from the log, so that each can be destroyed. */
export interface NameKeys {
  /** 32 bytes; made where there are none and `isNew` asks for it. Undefined where there are none, or they were destroyed. */
  keyOf(tenant: string, isNew: boolean): Uint8Array | undefined;
  /** Tenants that have keys. */
  tenants(): readonly string[];
  /** Destroys a tenant's key: what its records name is read by nobody any more. False where there was none. */
  destroy(tenant: string): boolean;
}

interface Kept {
  /** base64 of 32 bytes. */
  readonly root: string;
  /** base64 of 32 bytes each; empty: destroyed. */
  readonly tenants: Readonly<Record<string, string>>;
}

const BYTES = 32;

/** Opens `keys/audit-names.json` of a state directory, made on first use. @throws StateDirError where it is damaged */
export function openNameKeys(stateDir: string): NameKeys {
  const file = join(stateDir, 'keys', 'audit-names.json');
  let kept = read(file);

  function keep(next: Kept): void {
    kept = next;
    writeAtomically(file, `${JSON.stringify(next, undefined, 1)}\n`, 0o600);
  }

  const ownOf = (tenant: string): string | undefined =>
    kept !== undefined && Object.hasOwn(kept.tenants, tenant) ? kept.tenants[tenant] : undefined;
  const fresh = (): string => randomBytes(BYTES).toString('base64');

  return {
    keyOf(tenant, isNew) {
      let own = ownOf(tenant);
      if (own === undefined) {
        if (!isNew) return undefined;
        own = fresh();
        // A tenant's name is a member of its own: `__proto__` must not become the prototype.
        const tenants = Object.fromEntries([...Object.entries(kept?.tenants ?? {}), [tenant, own]]);
        keep({ root: kept?.root ?? fresh(), tenants });
      }
      if (own === '' || kept === undefined) return undefined;
      return createHmac('sha256', Buffer.from(kept.root, 'base64')).update(Buffer.from(own, 'base64')).digest();
    },
    tenants: () => Object.keys(kept?.tenants ?? {}).filter((tenant) => (ownOf(tenant) ?? '') !== ''),
    destroy(tenant) {
      if (kept === undefined || (ownOf(tenant) ?? '') === '') return false;
      keep({ root: kept.root, tenants: Object.fromEntries([...Object.entries(kept.tenants), [tenant, '']]) });
      return true;
    },
  };
}

function read(file: string): Kept | undefined {
  const text = readSecretIfThere(file);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Kept; // our own file; what is not there fails below
    if (Buffer.from(value.root, 'base64').length === BYTES && typeof value.tenants === 'object') return value;
  } catch {
    // Said below.
  }
  throw new StateDirError(
    `${file} is damaged: restore it from a backup, or move it away; then older records name nobody`,
  );
}
