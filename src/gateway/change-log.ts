import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor as AdminActor } from '../admin/ports.ts';
import type { RecordChange } from '../directory/records.ts';
import { rightsOf } from '../directory/rights.ts';
import type { DirectoryState } from '../directory/state.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import type { Actor, ChangeRecord } from '../kernel/record.ts';

/** Finds out who has changed what, from what the store was given and what an operation of the admin API says of itself. */
export interface ChangeLog {
  /** Runs what somebody has asked for: what is changed meanwhile is theirs. */
  as<Result>(actor: AdminActor, address: string | undefined, work: () => Promise<Result>): Promise<Result>;
  /** Something was written; called before memory follows. */
  committed(changes: readonly RecordChange[], directory: DirectoryState): void;
  /** An operation says what it has done. @param action `api-keys.revoke` @param after what it came to, of what the store does not have */
  told(action: string, object: string, after?: JsonObject): void;
}

/** What happens while one operation runs. */
interface Running {
  readonly actor: Actor;
  changes: Omit<ChangeRecord, 'operation'>[];
}

const GATEWAY: Actor = { id: 'gateway', tenant: undefined, address: undefined };

/** As the admin API names them. */
const RESOURCES: { readonly [Kind in RecordChange['kind']]: string } = {
  tenant: 'tenants',
  'api-key': 'api-keys',
  client: 'oauth-clients',
  user: 'users',
  role: 'roles',
  group: 'groups',
  policy: 'policies',
  revocation: 'revocations',
  quarantine: 'quarantine',
  silence: 'silences',
};

/** @param note takes each change */
export function createChangeLog(nowMs: () => number, note: (change: ChangeRecord) => void): ChangeLog {
  const running = new AsyncLocalStorage<Running>();

  /** Changes that no operation has put a name to. */
  function noteUnnamed({ changes }: Running): void {
    for (const change of changes) note({ ...change, operation: operationOf(change) });
  }

  return {
    async as(actor, address, work) {
      const self: Running = { actor: actorOf(actor, address), changes: [] };
      try {
        return await running.run(self, work);
      } finally {
        noteUnnamed(self);
      }
    },
    committed(changes, directory) {
      const self = running.getStore() ?? { actor: GATEWAY, changes: [] };
      for (const { kind, record } of changes) {
        const before = directory.find(kind, record.id) ?? {};
        const had = scopesByMembership(before, directory);
        const gained = [...scopesByMembership(record, directory).difference(had)];
        self.changes.push({
          kind: 'change',
          timeMs: nowMs(),
          actor: self.actor,
          resource: RESOURCES[kind],
          id: record.id,
          tenant: 'tenant' in record ? record.tenant : undefined,
          ...differenceOf(shown(before), shown(record)),
          ...(gained.length === 0 ? {} : { gained }),
        });
      }
      if (running.getStore() === undefined) noteUnnamed(self);
    },
    told(action, object, after) {
      const self = running.getStore();
      const [resource = '', operation = 'update'] = action.split('.');
      const known = self?.changes ?? [];
      if (self !== undefined) self.changes = [];
      for (const change of known) note({ ...change, operation });
      if (known.length > 0) return;
      const nothing = { tenant: undefined, before: undefined, after };
      const actor = self?.actor ?? GATEWAY;
      note({ kind: 'change', timeMs: nowMs(), actor, resource, id: object, operation, ...nothing });
    },
  };
}

const actorOf = (actor: AdminActor, address: string | undefined): Actor =>
  actor.kind === 'socket'
    ? { id: 'command', tenant: undefined, address: undefined }
    : { id: actor.principal.id, tenant: actor.principal.tenant, address };

const operationOf = ({ before }: Pick<ChangeRecord, 'before'>): string => (before === undefined ? 'create' : 'update');

const MASK = '***';
/** Members that are secrets, or encrypted, or what a secret is looked up by. */
const SECRET: ReadonlySet<string> = new Set(['sealed', 'nameDigest', 'digest', 'secretDigest']);

/** A record as it may be shown: what is secret is masked, whatever it is. */
/** Scopes that the roles and groups of a key, a client, a person or a group give: who reads a change sees their names alone. */
function scopesByMembership(record: object, { roles, groups }: Pick<DirectoryState, 'roles' | 'groups'>): Set<string> {
  const listOf = (name: string): readonly string[] => {
    const value = name in record ? (record as Record<string, unknown>)[name] : undefined;
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  };
  const tenant = 'tenant' in record && typeof record.tenant === 'string' ? record.tenant : '';
  return new Set(rightsOf({ roles: listOf('roles'), groups: listOf('groups') }, tenant, { roles, groups }).scopes);
}

function shown(record: object): JsonObject {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(record)) {
    const json = SECRET.has(name) && value !== undefined ? MASK : jsonOf(value);
    if (json !== undefined) kept[name] = json;
  }
  return kept;
}

function jsonOf(value: unknown): JsonValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (value instanceof Uint8Array) return MASK;
  if (Array.isArray(value)) return value.map((item) => jsonOf(item) ?? null);
  return typeof value === 'object' ? shown(value) : undefined;
}

/** Of something that was there, only what has changed. */
function differenceOf(before: JsonObject, after: JsonObject): Pick<ChangeRecord, 'before' | 'after'> {
  if (Object.keys(before).length === 0) return { before: undefined, after };
  const changed = Object.keys({ ...before, ...after }).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  return { before: pick(before, changed), after: pick(after, changed) };
}

function pick(object: JsonObject, names: readonly string[]): JsonObject {
  const kept: JsonObject = {};
  for (const name of names) {
    const value = object[name];
    if (value !== undefined) kept[name] = isJsonObject(value) ? { ...value } : value;
  }
  return kept;
}
