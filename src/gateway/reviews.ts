import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LogOutput } from '../adapters/log/output.ts';
import { writeAtomically } from '../adapters/tls/private-files.ts';
import type { AdminDeps, ReviewDesk } from '../admin/ports.ts';
import type { Config } from '../config/schema.ts';
import { rightsOf } from '../directory/rights.ts';
import { unusedOf } from '../directory/unused-permissions.ts';
import { hasSecondFactor, openUser } from '../directory/users.ts';
import { ALGORITHM_NAMES } from '../jwt/algorithms.ts';
import type { Clock } from '../kernel/clock.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Schedule } from '../review/config.ts';
import type { ReviewedClient, ReviewedConsent, ReviewedKey, ReviewedPerson, ReviewFacts } from '../review/facts.ts';
import { review, type Review } from '../review/review.ts';

/** What reviews look at. */
export type Reviewed = Pick<
  AdminDeps,
  | 'directory'
  | 'clock'
  | 'people'
  | 'tokenUses'
  | 'lastPermissionUseMs'
  | 'limitsOf'
  | 'access'
  | 'signingKeys'
  | 'searchAuditLog'
>;

/** Where reviews are kept, and told. */
export interface ReviewsDeps {
  readonly reviewed: () => Reviewed;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly config: () => Config;
  readonly publicUrl: string;
  readonly stateDir: string;
  /** Takes what a review has come to, for the audit log. */
  readonly note: (id: string, result: JsonObject) => void;
}

/** Reviews that are kept. */
const MAX_KEPT = 52;
const DAY_MS = 86_400_000;
const EVERY_MS: { readonly [One in Schedule]: number } = {
  none: Infinity,
  daily: DAY_MS,
  weekly: 7 * DAY_MS,
  monthly: 30 * DAY_MS,
};
const FILE = /^r_[0-9TZ_]+\.json$/;

/** Runs reviews and keeps what they came to in `reviews/` of the state directory. */
export function createReviews(deps: ReviewsDeps): ReviewDesk {
  const folder = join(deps.stateDir, 'reviews');
  const scheduleFile = join(folder, 'schedule');
  let running: Promise<Review> | undefined;

  const ids = (): string[] => {
    try {
      return readdirSync(folder)
        .filter((name) => FILE.test(name))
        .map((name) => name.replace('.json', ''))
        .sort();
    } catch {
      return [];
    }
  };

  function read(id: string): Review | undefined {
    if (!FILE.test(`${id}.json`)) return undefined;
    try {
      return JSON.parse(readFileSync(join(folder, `${id}.json`), 'utf8')) as Review; // written below
    } catch {
      return undefined;
    }
  }

  const last = (): Review | undefined => {
    const [id] = ids().slice(-1);
    return id === undefined ? undefined : read(id);
  };

  async function recordsOf(subject: string): Promise<readonly number[]> {
    const found = await deps
      .reviewed()
      .searchAuditLog({ object: subject, limit: 3 })
      .catch(() => undefined);
    return (found?.records ?? []).flatMap((record) => {
      const { metadata } = JSON.parse(record) as { metadata?: { sequence?: unknown } };
      return typeof metadata?.sequence === 'number' ? [metadata.sequence] : [];
    });
  }

  async function run(): Promise<Review> {
    const made = await review(await factsOf(deps), last(), recordsOf);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeAtomically(join(folder, `${made.id}.json`), JSON.stringify(made), 0o600);
    for (const id of ids().slice(0, -MAX_KEPT)) rmSync(join(folder, `${id}.json`), { force: true });
    deps.note(made.id, resultOf(made));
    return made;
  }

  function ordered(): Schedule {
    try {
      const word = readFileSync(scheduleFile, 'utf8').trim();
      return word in EVERY_MS ? (word as Schedule) : 'none'; // one of the words, as was just seen
    } catch {
      return 'none';
    }
  }

  const configured = () => deps.config().reviews.schedule;
  const schedule = (): Schedule => (configured() === 'none' ? ordered() : configured());

  return {
    // Two at once would be the same one twice.
    run: () => (running ??= run().finally(() => (running = undefined))),
    list: () =>
      ids()
        .toReversed()
        .flatMap((id) => read(id) ?? []),
    find: (id) => read(id),
    schedule: () => ({ every: schedule(), isConfigured: configured() !== 'none' }),
    setSchedule(every) {
      if (configured() !== 'none') return false;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeAtomically(scheduleFile, `${every}\n`, 0o600);
      return true;
    },
    isDue() {
      const before = last();
      return deps.clock.nowMs() - (before === undefined ? 0 : Date.parse(before.at)) >= EVERY_MS[schedule()];
    },
  };
}

const LOOK_EVERY_MS = 10 * 60_000;

/** Runs a review where one is due. Ends with what it gives back. */
export function reviewOnSchedule(desk: ReviewDesk, clock: Clock, log: Pick<LogOutput, 'warn' | 'error'>): () => void {
  let timer = clock.after(LOOK_EVERY_MS, look);

  function look(): void {
    timer = clock.after(LOOK_EVERY_MS, look);
    if (!desk.isDue()) return;
    desk.run().then(
      ({ id, ok, findings }) => {
        if (!ok) log.warn('review', { id, findings: findings.length, see: 'sallyport review --last' });
      },
      (error: unknown) => log.error('review', { why: error instanceof Error ? error.message : String(error) }),
    );
  }

  return () => timer.cancel();
}

/** What the audit log keeps of a review. */
const resultOf = ({ ok, findings, gone, previous }: Review): JsonObject => ({
  ok,
  previous,
  findings: findings.map(({ id, severity, subject, isNew }) => ({ id, severity, subject, isNew })),
  gone: gone.map(({ id, subject }) => ({ id, subject })),
});

async function factsOf({ config: configOf, publicUrl, reviewed: get }: ReviewsDeps): Promise<ReviewFacts> {
  const reviewed = get();
  const { directory, clock } = reviewed;
  const config = configOf();
  return {
    nowMs: clock.nowMs(),
    settings: {
      issuers: config.authentication.issuers,
      knownAlgorithms: ALGORITHM_NAMES,
      publicUrl,
      tlsMode: config.listen.tls.mode,
      adminHost: config.admin.host,
      requireSecondFactor: config.authorizationServer.requireSecondFactor,
      isAuditLogOn: config.auditLog.enabled,
      anomalyMode: config.anomaly.mode,
      upstreams: config.upstreams.map(({ name, url, apiKey }) => ({ name, url, hasApiKey: apiKey !== undefined })),
    },
    keys: await keysOf(reviewed),
    clients: clientsOf(reviewed, publicUrl),
    people: await peopleOf(reviewed),
    consents: await consentsOf(reviewed),
    signingKeys: await signingKeysOf(reviewed),
    held: [...directory.quarantines.values()].filter(({ state }) => state === 'held'),
  };
}

async function keysOf(deps: Reviewed): Promise<ReviewedKey[]> {
  const { directory, clock } = deps;
  const works = [...directory.apiKeys.values()].filter(
    ({ state, expiresAtMs }) => state === 'active' && (expiresAtMs ?? Infinity) > clock.nowMs(),
  );
  return Promise.all(
    works.map(async (record) => ({
      record,
      scopes: [...record.scopes, ...rightsOf(record, record.tenant, directory).scopes],
      lastUseMs: directory.lastUseMs(record.id),
      unused: unusedOf(`key:${record.id}`, record, deps),
      isLimited: (await deps.limitsOf(record.id)).some(({ limit }) => limit.per !== undefined),
    })),
  );
}

function clientsOf(deps: Reviewed, publicUrl: string): ReviewedClient[] {
  return [...deps.directory.clients.values()]
    .filter(({ state }) => state === 'active')
    .map((record) => ({
      record,
      scopes: record.scopes,
      lastUseMs: newest(deps, ({ client, issuer }) => client === record.id && issuer === publicUrl),
      unused: unusedOf(`client:${record.id}`, record, deps),
    }));
}

function newest(deps: Reviewed, is: (use: ReturnType<Reviewed['tokenUses']>[number]) => boolean) {
  const uses = deps.tokenUses().filter(is);
  return uses.length === 0 ? undefined : Math.max(...uses.map(({ lastUsedAtMs }) => lastUsedAtMs));
}

async function peopleOf({ directory, people }: Reviewed): Promise<ReviewedPerson[]> {
  const all = [...directory.users.values()].filter((user) => user.state === 'active' || user.state === 'invited');
  if (all.length === 0) return [];
  const sealer = await people.sealer();
  return Promise.all(
    all.map(async (user) => {
      const secrets = await openUser(user, sealer);
      const isElsewhere = secrets.federated !== undefined;
      return {
        ...{ id: user.id, tenant: user.tenant, createdAtMs: user.createdAtMs, lastSignInAtMs: user.lastSignInAtMs },
        state: user.state === 'invited' ? ('invited' as const) : ('active' as const),
        scopes: [...user.scopes, ...rightsOf({ roles: [], groups: user.groups }, user.tenant, directory).scopes],
        hasSecondFactor: isElsewhere ? undefined : hasSecondFactor(secrets),
      };
    }),
  );
}

async function consentsOf(deps: Reviewed): Promise<ReviewedConsent[]> {
  const { directory } = deps;
  // Where nobody signs in, nobody has let anything in, and nothing encrypted has to be opened.
  if (directory.users.size === 0) return [];
  return (await deps.access.grants()).map(({ id, user, client, scopes, createdAtMs }) => {
    const state = directory.clients.get(client)?.state;
    return {
      ...{ id, user, client, scopes, createdAtMs },
      clientState: state === undefined || state === 'deleted' ? ('gone' as const) : state,
      lastUseMs: newest(deps, (use) => use.client === client && use.subject === user),
    };
  });
}

async function signingKeysOf({ directory, signingKeys }: Reviewed): Promise<ReviewFacts['signingKeys']> {
  return directory.clients.size + directory.users.size === 0 ? [] : signingKeys.list();
}
