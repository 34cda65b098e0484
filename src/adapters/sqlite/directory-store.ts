import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CompiledQuery } from 'kysely';
import type { BanRecord, LastUse, PermissionUse, RecordChange } from '../../directory/records.ts';
import type { SharedNotes } from '../../directory/shared-holds.ts';
import { MAX_KEPT, type TokenUse } from '../../directory/token-uses.ts';
import { StoreUnavailable, VersionConflict, type Directory, type DirectoryStore } from '../../directory/store.ts';
import { sql } from './builder.ts';
import { MIGRATIONS } from './migrations.ts';
import {
  apiKeyFromRow,
  banFromRow,
  clientFromRow,
  groupFromRow,
  policyFromRow,
  quarantineFromRow,
  revocationFromRow,
  roleFromRow,
  rowFromApiKey,
  rowFromBan,
  rowFromClient,
  rowFromNamed,
  rowFromQuarantine,
  rowFromRevocation,
  rowFromTenant,
  rowFromTokenUse,
  rowFromUser,
  silenceFromRow,
  tenantFromRow,
  tokenUseFromRow,
  userFromRow,
} from './rows.ts';
import type { Tables } from './tables.ts';

/** Where the records of each kind are. */
const TABLES = {
  tenant: 'tenants',
  'api-key': 'api_keys',
  client: 'clients',
  user: 'users',
  role: 'roles',
  group: 'groups',
  policy: 'policies',
  revocation: 'revocations',
  quarantine: 'quarantines',
  silence: 'silences',
} as const satisfies Record<RecordChange['kind'], keyof Tables>;

const FORGET_TOKEN_USES = `DELETE FROM token_uses WHERE rowid IN
  (SELECT rowid FROM token_uses ORDER BY last_used_at_ms DESC LIMIT -1 OFFSET ${MAX_KEPT})`;

/** As many as memory has room for; what is longest over goes first. */
const FORGET_BANS = `DELETE FROM bans WHERE until_ms < ? OR network IN
  (SELECT network FROM bans ORDER BY until_ms DESC LIMIT -1 OFFSET 65536)`;

function rowOf(change: RecordChange) {
  switch (change.kind) {
    case 'tenant':
      return rowFromTenant(change.record);
    case 'api-key':
      return rowFromApiKey(change.record);
    case 'client':
      return rowFromClient(change.record);
    case 'user':
      return rowFromUser(change.record);
    case 'role':
    case 'group':
    case 'policy':
    case 'silence':
      return rowFromNamed(change.record);
    case 'revocation':
      return rowFromRevocation(change.record);
    case 'quarantine':
      return rowFromQuarantine(change.record);
  }
}

/** A write that waits for the next group. */
interface Waiting {
  readonly changes: readonly RecordChange[];
  readonly notes: SharedNotes;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens the embedded store. What waits in one turn of the loop is committed together (`synchronous=FULL`), and each
 * write resolves after that commit.
 *
 * @throws StoreUnavailable where the file cannot be opened, is no database, or is of a later version
 */
export function openSqliteStore(path: string): DirectoryStore {
  const db = open(path);
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  let waiting: Waiting[] = [];
  let lastUses = new Map<string, number>();
  let tokenUses: TokenUse[] = [];
  let permissionUses: PermissionUse[] = [];
  let bans: BanRecord[] = [];
  let forgetBansBeforeMs = 0;
  let isScheduled = false;
  let isClosed = false;

  function statement(text: string) {
    let prepared = statements.get(text);
    if (prepared === undefined) statements.set(text, (prepared = db.prepare(text)));
    return prepared;
  }
  const exec = (query: CompiledQuery) => statement(query.sql).run(...(query.parameters as SQLInputValue[]));
  const all = <Row>(query: CompiledQuery<Row>) =>
    statement(query.sql).all(...(query.parameters as SQLInputValue[])) as Row[];

  const allNamed = (table: 'roles' | 'groups' | 'policies' | 'silences') =>
    all(sql.selectFrom(table).selectAll().orderBy('created_at_ms').orderBy('id').compile());

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    if (isClosed) return;
    const group = waiting;
    const uses = lastUses;
    waiting = [];
    lastUses = new Map();
    const usedTokens = tokenUses;
    tokenUses = [];
    const usedPermissions = permissionUses;
    permissionUses = [];
    const notedBans = bans;
    bans = [];
    const refused: { readonly write: Waiting; readonly error: Error }[] = [];
    const done: Waiting[] = [];
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const write of group) {
        db.exec('SAVEPOINT one');
        try {
          for (const change of write.changes) apply(change);
          for (const note of write.notes) putNote(note);
          db.exec('RELEASE one');
          done.push(write);
        } catch (error) {
          if (!(error instanceof VersionConflict)) throw error;
          db.exec('ROLLBACK TO one');
          db.exec('RELEASE one');
          refused.push({ write, error });
        }
      }
      for (const [id, atMs] of uses) {
        exec(
          sql
            .insertInto('last_uses')
            .values({ api_key: id, at_ms: atMs })
            .onConflict((on) => on.column('api_key').doUpdateSet({ at_ms: atMs }))
            .compile(),
        );
      }
      for (const row of usedTokens.map(rowFromTokenUse)) {
        exec(
          sql
            .insertInto('token_uses')
            .values(row)
            .onConflict((on) => on.columns(['issuer', 'client', 'subject']).doUpdateSet(row))
            .compile(),
        );
      }
      // Subjects are an issuer's to name, and it may name a new one each day.
      if (usedTokens.length > 0) db.exec(FORGET_TOKEN_USES);
      for (const { holder, permission, atMs } of usedPermissions) {
        exec(
          sql
            .insertInto('permission_uses')
            .values({ holder, permission, at_ms: atMs })
            .onConflict((on) => on.columns(['holder', 'permission']).doUpdateSet({ at_ms: atMs }))
            .compile(),
        );
      }
      for (const row of notedBans.map(rowFromBan)) {
        exec(
          sql
            .insertInto('bans')
            .values(row)
            .onConflict((on) => on.column('network').doUpdateSet(row))
            .compile(),
        );
      }
      if (notedBans.length > 0) statement(FORGET_BANS).run(forgetBansBeforeMs);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      const failure = unavailable(error);
      for (const write of group) write.reject(failure);
      return;
    }
    for (const write of done) write.resolve();
    for (const { write, error } of refused) write.reject(error);
  }

  function apply(change: RecordChange): void {
    const { id } = change.record;
    const table = TABLES[change.kind];
    const found = all(sql.selectFrom(table).select('version').where('id', '=', id).compile())[0];
    if ((found?.version ?? 0) !== change.expectedVersion) throw new VersionConflict(`${change.kind} ${id} has changed`);
    const row = rowOf(change);
    exec(
      sql
        .insertInto(table)
        .values(row)
        .onConflict((on) => on.column('id').doUpdateSet(row))
        .compile(),
    );
  }

  function putNote([id, { recordVersion, version, seen }]: SharedNotes[number]): void {
    const row = { id, record_version: recordVersion, version, seen };
    exec(
      sql
        .insertInto('shared_holds')
        .values(row)
        .onConflict((on) => on.column('id').doUpdateSet(row))
        .compile(),
    );
  }

  return {
    async readAll(): Promise<Directory> {
      try {
        return {
          tenants: all(sql.selectFrom('tenants').selectAll().orderBy('id').compile()).map(tenantFromRow),
          apiKeys: all(sql.selectFrom('api_keys').selectAll().orderBy('created_at_ms').orderBy('id').compile()).map(
            apiKeyFromRow,
          ),
          clients: all(sql.selectFrom('clients').selectAll().orderBy('created_at_ms').orderBy('id').compile()).map(
            clientFromRow,
          ),
          users: all(sql.selectFrom('users').selectAll().orderBy('created_at_ms').orderBy('id').compile()).map(
            userFromRow,
          ),
          roles: allNamed('roles').map(roleFromRow),
          groups: allNamed('groups').map(groupFromRow),
          policies: allNamed('policies').map(policyFromRow),
          revocations: all(sql.selectFrom('revocations').selectAll().compile()).map(revocationFromRow),
          quarantines: all(sql.selectFrom('quarantines').selectAll().compile()).map(quarantineFromRow),
          silences: allNamed('silences').map(silenceFromRow),
          lastUses: all(sql.selectFrom('last_uses').selectAll().compile()).map((row) => ({
            id: row.api_key,
            atMs: row.at_ms,
          })),
          tokenUses: all(sql.selectFrom('token_uses').selectAll().orderBy('last_used_at_ms').compile()).map(
            tokenUseFromRow,
          ),
          permissionUses: all(sql.selectFrom('permission_uses').selectAll().orderBy('at_ms').compile()).map(
            ({ holder, permission, at_ms: atMs }) => ({ holder, permission, atMs }),
          ),
          bans: all(sql.selectFrom('bans').selectAll().orderBy('until_ms').compile()).map(banFromRow),
          sharedNotes: all(sql.selectFrom('shared_holds').selectAll().orderBy('id').compile()).map(
            ({ id, record_version: recordVersion, version, seen }) => [id, { recordVersion, version, seen }],
          ),
        };
      } catch (error) {
        throw unavailable(error);
      }
    },
    write: (changes, notes = []) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new StoreUnavailable('the store is closed'));
        waiting.push({ changes, notes, resolve, reject });
        schedule();
      }),
    async noteLastUses(uses: readonly LastUse[]) {
      for (const { id, atMs } of uses) lastUses.set(id, Math.max(atMs, lastUses.get(id) ?? 0));
      schedule();
    },
    async noteTokenUses(uses) {
      tokenUses.push(...uses);
      schedule();
    },
    async notePermissionUses(uses) {
      permissionUses.push(...uses);
      schedule();
    },
    async noteBans(noted, forgetBeforeMs) {
      bans.push(...noted);
      forgetBansBeforeMs = forgetBeforeMs;
      schedule();
    },
    async close() {
      if (isClosed) return;
      flush();
      isClosed = true;
      db.close();
    },
  };
}

function open(path: string): DatabaseSync {
  try {
    // Attaching is off: it would be a way to files that the permission model denies (docs/adr/0005-sandbox.md).
    const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 3_000 });
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;',
    );
    migrate(db);
    return db;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const wayOut = 'restore it from a backup, or move it away to start with an empty store';
    throw new StoreUnavailable(`${path} cannot be opened (${why}): ${wayOut}`, { cause: error });
  }
}

function migrate(db: DatabaseSync): void {
  const row = db.prepare('PRAGMA user_version').get();
  const version = Number(row?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) throw new Error('it was written by a later version of Sallyport; run that version');
  for (let step = version; step < MIGRATIONS.length; step++) {
    db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[step]} PRAGMA user_version = ${step + 1}; COMMIT;`);
  }
}

function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new StoreUnavailable(text, { cause: error });
}
