import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { searchAuditLog } from '../gateway/audit-search.ts';
import { openAdvisoryBook } from '../gateway/advisory-book.ts';
import { openNameKeys } from '../adapters/files/audit-names.ts';
import { openHmacKey, openStateDir, stateDirOfService, type StateDir } from '../adapters/files/state-dir.ts';
import { createAccess } from '../oauth/access.ts';
import { createAdminApp } from '../admin/app.ts';
import type { AdminDeps } from '../admin/ports.ts';
import { createPasswordHasher } from '../directory/password.ts';
import { revocationChange } from '../directory/revocations.ts';
import { defaultTenant } from '../directory/issue.ts';
import { createPermissionUses } from '../directory/permission-uses.ts';
import { createCredentials } from '../directory/credentials.ts';
import { accessRecordsOf, createDirectoryState } from '../directory/state.ts';
import { StoreUnavailable } from '../directory/store.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../kernel/clock.ts';
import { createWallClock } from '../limits/wall-clock.ts';
import { deny } from '../kernel/reasons.ts';
import { createLimitBook, restoredCounters } from '../gateway/limit-book.ts';
import { createReviews } from '../gateway/reviews.ts';
import { lazyKeyring } from '../gateway/keyring.ts';
import { accessBook, artifactDigest, openOAuthKeys, signingKeyBook } from '../gateway/oauth-keys.ts';
import { StateLocked, startStore, type Store } from '../gateway/threads/store-client.ts';
import { VERSION } from '../gateway/version.ts';
import { askSocket, isServed, type AdminQuestion, type RawAnswer } from './admin-socket.ts';
import { patches } from '../vllm/patches/index.ts';
import { CommandError, UsageError, type CommandIo } from './command.ts';
import type { Flags } from './flags.ts';
import { stateDirOf } from './places.ts';
import { offlineRecords } from './offline-records.ts';
import { storedBans } from './stored-bans.ts';
import { configOf } from './where.ts';

/** The admin API, wherever it is: in the running gateway, or in this process over the store. */
export interface AdminClient {
  /** Whether a gateway runs on the state directory. */
  readonly isRunning: boolean;
  /**
   * Asks and reads the answer.
   *
   * @throws UsageError where what was asked for is wrong, CommandError where it was refused
   */
  ask<Schema extends z.ZodType>(question: AdminQuestion, answer: Schema): Promise<z.output<Schema>>;
}

const TRY_FOR_MS = 3_000;
const LOCK_WAIT_MS = 150;

/**
 * Does some work with the admin API of the state directory that the command line means. Tries the socket of a running
 * gateway, then the lock of the state directory, in turn for 3 s: a gateway may be starting or ending.
 */
export async function withAdmin<Result>(
  flags: Flags,
  io: CommandIo,
  work: (client: AdminClient) => Promise<Result>,
  tryForMs = TRY_FOR_MS,
): Promise<Result> {
  const service = stateDirOfService(stateDirOf(flags, io.env));
  if (service !== undefined) {
    if (await isServed(service.socket)) {
      return work(clientOver((question) => askSocket(service.socket, question), true, io));
    }
    throw new CommandError(
      `${service.path} belongs to the user of a service, and no gateway runs on it: start it (systemctl start sallyport).`,
    );
  }
  const stateDir = openStateDir(stateDirOf(flags, io.env));
  const endMs = performance.now() + tryForMs;
  for (;;) {
    if (await isServed(stateDir.socket)) {
      return work(clientOver((question) => askSocket(stateDir.socket, question), true, io));
    }
    const store = await openStore(stateDir);
    if (store !== undefined) {
      try {
        return await work(clientOver(await appOver(store, stateDir, flags, io), false, io));
      } finally {
        await store.close();
      }
    }
    if (performance.now() > endMs) {
      throw new CommandError(
        `Another process holds ${stateDir.path} and does not answer on admin.sock: wait until it has ended, or end it.`,
      );
    }
  }
}

async function openStore(stateDir: StateDir): Promise<Store | undefined> {
  try {
    return await startStore({
      databasePath: stateDir.database,
      lockPath: stateDir.lock,
      lockWaitMs: LOCK_WAIT_MS,
    });
  } catch (error) {
    if (error instanceof StateLocked) return undefined;
    if (error instanceof StoreUnavailable) {
      throw new CommandError(
        `${stateDir.database} cannot be used (${error.message}): free the disk, restore it from a backup, or give another --state-dir`,
      );
    }
    throw error;
  }
}

type Ask = (question: AdminQuestion) => Promise<RawAnswer>;

/** The admin API in this process, the same code that a gateway serves. */
async function appOver(store: Store, stateDir: StateDir, flags: Flags, io: CommandIo): Promise<Ask> {
  const { env } = io;
  const stored = await store.readAll();
  const directory = createDirectoryState(stored);
  const records = offlineRecords(stateDir);
  const auditLog = auditLogOf(flags, env);
  const commit: AdminDeps['commit'] = async (changes) => {
    await store.write(changes);
    records.changes.committed(changes, directory);
    directory.apply(changes);
    return { confirmed: 0, replaced: 0 };
  };
  if (!directory.tenants.has('default')) {
    await commit([{ kind: 'tenant', record: defaultTenant(systemClock.nowMs()), expectedVersion: 0 }]);
  }
  const keyring = lazyKeyring({
    source: () => configOf(flags, env).config.keyring.rootKey,
    stateDir,
    env,
    artifacts: store.artifacts,
    randomBytes: (count) => randomBytes(count),
    nowMs: () => systemClock.nowMs(),
  });
  const permissionUses = createPermissionUses(stored.permissionUses);
  let keys: ReturnType<typeof openOAuthKeys> | undefined;
  /** What is encrypted is opened once, and only where it is needed. */
  const openKeys = () => (keys ??= openOAuthKeys({ artifacts: store.artifacts, keyring, clock: systemClock }));
  const deps: AdminDeps = {
    directory,
    commit,
    keyring,
    reviews: createReviews({
      ...{
        reviewed: () => deps,
        config: () => configOf(flags, env).config,
        clock: systemClock,
        stateDir: stateDir.path,
      },
      publicUrl: '',
      note: (id, result) => records.changes.told('reviews.run', id, result),
    }),
    hmacKey: openHmacKey(stateDir),
    randomBytes: (count) => randomBytes(count),
    clock: systemClock,
    people: {
      // Only what needs it opens it, once.
      sealer: async () => (await openKeys()).sealer,
      hasher: createPasswordHasher((count) => randomBytes(count)),
      endAccess: (userId) => store.artifacts.removeAccount(userId),
      publicUrl: undefined,
    },
    version: VERSION,
    config: () => ({}),
    instances: () => [],
    upstreams: () => [],
    async limitsOf(id) {
      const principal = createCredentials(accessRecordsOf(directory)).find(id)?.principal;
      if (principal === undefined) return [];
      const counters = await restoredCounters(store.ledger, openHmacKey(stateDir), systemClock);
      return createLimitBook(
        configOf(flags, env).config.limits,
        counters,
        systemClock,
        createWallClock(systemClock),
      )(principal, '');
    },
    usage: (query) => store.ledger.readUsage(query),
    tokenUses: () => stored.tokenUses,
    bans: storedBans(stored.bans, { store, config: () => configOf(flags, env).config, clock: systemClock }),
    isHoldShared: () => Promise.resolve(undefined),
    anomalies: () => [],
    // Nothing is sent while no gateway runs.
    alerts: { channels: () => [], test: () => Promise.resolve(undefined) },
    searchAuditLog: (question) => Promise.resolve(searchAuditLog(stateDir.path, question)),
    eraseAuditNames: async (tenant) => openNameKeys(stateDir.path).destroy(tenant),
    running: () => Promise.resolve([]),
    stopRunning: () => Promise.resolve(undefined),
    judgeAddress: () => undefined,
    lastPermissionUseMs: (holder, permission) => permissionUses.lastMs(holder, permission),
    judgePolicies: () => undefined,
    access: accessBook(async () =>
      createAccess({
        artifacts: store.artifacts,
        sealer: (await openKeys()).sealer,
        digest: artifactDigest(openHmacKey(stateDir)),
        nowMs: () => systemClock.nowMs(),
        async revoke(mark, untilMs) {
          await commit([revocationChange(directory, mark, true, untilMs, systemClock.nowMs())]);
        },
      }),
    ),
    signingKeys: signingKeyBook(openKeys, () => Promise.resolve()),
    // Nobody has asked the servers: they count as affected by everything.
    advisories: {
      ...openAdvisoryBook(stateDir),
      upstreams: () => [{ name: '-', version: undefined, release: undefined, patches }],
    },
    explain: () => Promise.resolve(undefined),
    maxExplainedBytes: () => 0,
    metrics: () => '',
    upstreamMetrics: () => Promise.resolve(deny('unknown_route')),
    prometheus: false,
    authenticate: () => Promise.resolve(deny('invalid_credential')),
    isStillUsable: () => false,
    isUnrecorded: () => auditLog?.enabled === true && auditLog.onFailure === 'deny' && !records.canWrite(),
    asActor: (actor, address, work) => records.changes.as(actor, address, work),
    logChange: (_actor, action, object, after) => records.changes.told(action, object, after),
    logFault(_, error) {
      throw error;
    },
  };
  const app = createAdminApp(deps);
  return async ({ method, path, body }) => {
    const init = {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    };
    const answer = await app.request(`/api/v1${path}`, init, { isSocket: true, address: '' });
    try {
      if (auditLog?.enabled ?? true) records.write();
    } catch (error) {
      io.err(`This change is not in the audit log: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    return { status: answer.status, text: await answer.text(), workers: undefined };
  };
}

/** A configuration that cannot be read, which is undefined here, changes nothing: what is done is recorded. */
function auditLogOf(flags: Flags, env: CommandIo['env']): Config['auditLog'] | undefined {
  try {
    return configOf(flags, env).config.auditLog;
  } catch {
    return undefined;
  }
}

function clientOver(ask: Ask, isRunning: boolean, io: CommandIo): AdminClient {
  return {
    isRunning,
    async ask(question, schema) {
      const { status, text, workers } = await ask(question);
      if (status >= 400) throw failureOf(status, text);
      const replaced = Number(/replaced=(\d+)/.exec(workers ?? '')?.[1] ?? 0);
      if (replaced > 0) io.err(`${replaced} worker threads did not confirm in time and were replaced.\n`);
      return schema.parse(status === 204 ? undefined : JSON.parse(text));
    },
  };
}

const problemSchema = z.looseObject({
  detail: z.string(),
  code: z.string(),
  param: z.string().nullable(),
  errors: z.array(z.looseObject({ detail: z.string(), param: z.string().nullable() })).optional(),
});

/** The admin API said that there is no such object. */
export class UnknownObject extends CommandError {}

/**
 * Asks about one object that a person named.
 *
 * @param unknown what they are told where there is no such object
 * @throws CommandError with it, else what `ask` throws
 */
export async function askOne<Schema extends z.ZodType>(
  client: AdminClient,
  question: AdminQuestion,
  answer: Schema,
  unknown: string,
): Promise<z.output<Schema>> {
  try {
    return await client.ask(question, answer);
  } catch (error) {
    if (!(error instanceof UnknownObject)) throw error;
    throw new CommandError(unknown);
  }
}

function failureOf(status: number, text: string): Error {
  const read = problemSchema.safeParse(parsed(text));
  if (!read.success) return new CommandError(`The gateway answered ${status}. See its log.`);
  const { detail, code, param, errors } = read.data;
  if (code === 'unknown_object') return new UnknownObject(detail);
  const lines = (errors ?? [{ detail, param }]).map((one) =>
    one.param === null ? one.detail : `${flagOf(one.param)}: ${one.detail}`,
  );
  // A tenant that does not exist is no slip of the command line's form: it may exist the next time.
  const isUsage = status === 400 && param !== 'tenant';
  return isUsage ? new UsageError(lines.join('\n')) : new CommandError(lines.join('\n'));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `allowIp[0]` is `--allow-ip` on the command line. */
function flagOf(param: string): string {
  const name = /^[A-Za-z]+/.exec(param)?.[0] ?? param;
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
