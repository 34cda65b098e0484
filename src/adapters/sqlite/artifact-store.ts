import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { CompiledQuery } from 'kysely';
import { StoreUnavailable } from '../../directory/store.ts';
import { ownArtifact, type Artifact, type ArtifactStore } from '../../oauth/artifacts.ts';
import { sql } from './builder.ts';
import type { Tables } from './tables.ts';

/** What stands in the place of a session that was ended: a row of its uid. */
const ENDED = 'EndedSession';

/** Opens the artifacts in the embedded store, whose tables are there already. Each write is durable when it resolves. */
export function openSqliteArtifacts(path: string): ArtifactStore & { close(): void } {
  const db = new DatabaseSync(path, { limits: { attach: 0 }, timeout: 3_000 });
  db.exec('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  function statement(text: string) {
    let prepared = statements.get(text);
    if (prepared === undefined) statements.set(text, (prepared = db.prepare(text)));
    return prepared;
  }

  /** Rows that were changed. */
  async function exec(query: CompiledQuery): Promise<number> {
    try {
      return Number(statement(query.sql).run(...(query.parameters as SQLInputValue[])).changes);
    } catch (error) {
      throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  async function all<Row>(query: CompiledQuery<Row>): Promise<Row[]> {
    try {
      return statement(query.sql).all(...(query.parameters as SQLInputValue[])) as Row[];
    } catch (error) {
      throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  const one = async (query: CompiledQuery<Tables['artifacts']>): Promise<Artifact | undefined> => {
    const [row] = await all(query);
    return row === undefined ? undefined : artifactFrom(row);
  };
  const table = sql.selectFrom('artifacts').selectAll();

  function inOneStep(queries: readonly CompiledQuery[]): void {
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const { sql: text, parameters } of queries) statement(text).run(...(parameters as SQLInputValue[]));
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw new StoreUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /** Removes artifacts, and keeps of the sessions among them that they are over for as long as they would have lived. */
  async function removeForGood(column: 'uid' | 'account', value: string): Promise<void> {
    const rows = await all(table.where('kind', '=', 'Session').where(column, '=', value).compile());
    const removal = sql.deleteFrom('artifacts').where(column, '=', value);
    inOneStep([
      ...rows.flatMap(({ uid, created_at_ms: createdAtMs, expires_at_ms: expiresAtMs }) =>
        uid === null
          ? []
          : [
              upsert(
                ownArtifact({ kind: ENDED, id: uid, payload: '', createdAtMs, expiresAtMs: expiresAtMs ?? undefined }),
              ),
            ],
      ),
      (column === 'uid' ? removal.where('kind', '=', 'Session') : removal).compile(),
    ]);
  }

  const isEnded = async ({ kind, uid }: Artifact): Promise<boolean> =>
    kind === 'Session' &&
    uid !== undefined &&
    (await all(table.where('kind', '=', ENDED).where('id', '=', uid).compile())).length > 0;

  return {
    async put(artifact) {
      if (!(await isEnded(artifact))) await exec(upsert(artifact));
    },
    async putAll(artifacts) {
      inOneStep(artifacts.map(upsert));
    },
    async putNew(artifact) {
      const query = sql
        .insertInto('artifacts')
        .values(rowFrom(artifact))
        .onConflict((on) => on.columns(['kind', 'id']).doNothing());
      return (await exec(query.compile())) === 1;
    },
    find: (kind, id) => one(table.where('kind', '=', kind).where('id', '=', id).compile()),
    findBy: (kind, column, value) =>
      one(
        table
          .where('kind', '=', kind)
          .where(column === 'uid' ? 'uid' : 'user_code', '=', value)
          .compile(),
      ),
    async consume(kind, id, nowMs) {
      const query = sql
        .updateTable('artifacts')
        .set({ consumed_at_ms: nowMs })
        .where('kind', '=', kind)
        .where('id', '=', id)
        .where('consumed_at_ms', 'is', null);
      return (await exec(query.compile())) === 1;
    },
    async remove(kind, id) {
      await exec(sql.deleteFrom('artifacts').where('kind', '=', kind).where('id', '=', id).compile());
    },
    async removeGrant(grantId) {
      await exec(sql.deleteFrom('artifacts').where('grant_id', '=', grantId).compile());
    },
    endSession: (uid) => removeForGood('uid', uid),
    removeAccount: (account) => removeForGood('account', account),
    async list(kind, nowMs) {
      const rows = await all(
        table
          .where('kind', '=', kind)
          .where((where) => where.or([where('expires_at_ms', 'is', null), where('expires_at_ms', '>', nowMs)]))
          .orderBy('created_at_ms')
          .compile(),
      );
      return rows.map(artifactFrom);
    },
    async sweep(nowMs) {
      await exec(sql.deleteFrom('artifacts').where('expires_at_ms', '<=', nowMs).compile());
    },
    close: () => db.close(),
  };
}

function upsert(artifact: Artifact): CompiledQuery {
  const row = rowFrom(artifact);
  // That it was used must not be forgotten by who writes it anew: else a code could be used twice.
  const { kind: _, id: __, consumed_at_ms: ___, created_at_ms: ____, ...changed } = row;
  return sql
    .insertInto('artifacts')
    .values(row)
    .onConflict((on) => on.columns(['kind', 'id']).doUpdateSet(changed))
    .compile();
}

const artifactFrom = (row: Tables['artifacts']): Artifact => ({
  kind: row.kind,
  id: row.id,
  payload: row.payload,
  grantId: row.grant_id ?? undefined,
  uid: row.uid ?? undefined,
  userCode: row.user_code ?? undefined,
  account: row.account ?? undefined,
  client: row.client ?? undefined,
  createdAtMs: row.created_at_ms,
  consumedAtMs: row.consumed_at_ms ?? undefined,
  expiresAtMs: row.expires_at_ms ?? undefined,
});

const rowFrom = (artifact: Artifact): Tables['artifacts'] => ({
  kind: artifact.kind,
  id: artifact.id,
  payload: artifact.payload,
  grant_id: artifact.grantId ?? null,
  uid: artifact.uid ?? null,
  user_code: artifact.userCode ?? null,
  account: artifact.account ?? null,
  client: artifact.client ?? null,
  created_at_ms: artifact.createdAtMs,
  consumed_at_ms: artifact.consumedAtMs ?? null,
  expires_at_ms: artifact.expiresAtMs ?? null,
});
