import { randomBytes } from 'node:crypto';
import { adminOperations, createAdminApp } from '../../src/admin/app.ts';
import type { AdminDeps, ReviewDesk } from '../../src/admin/ports.ts';
import type { Schedule } from '../../src/review/config.ts';
import type { Review } from '../../src/review/review.ts';
import { defaultTenant } from '../../src/directory/issue.ts';
import type { RecordChange } from '../../src/directory/records.ts';
import { directoryWith } from './directory.ts';
import { knownAdvisories } from '../../src/vllm/advisories/index.ts';
import { patches } from '../../src/vllm/patches/index.ts';
import { parseRelease } from '../../src/vllm/release.ts';
import { VersionConflict } from '../../src/directory/store.ts';
import type { Principal } from '../../src/kernel/exchange.ts';
import { deny } from '../../src/kernel/reasons.ts';
import type { Scope } from '../../src/kernel/scope.ts';

/** A request to the admin API. */
export interface AdminAsk {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** The scopes of who asks by the listener; left out, it comes by the socket. */
  readonly as?: readonly Scope[] | 'nobody';
}

/** An answer of the admin API. */
export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; an empty object where it is none. */
  readonly json: Record<string, unknown>;
}

/** The admin API over a directory in memory with one tenant, whose clock stands still until it is set. */
export function createTestAdmin(overrides: Partial<AdminDeps> = {}) {
  let nowMs = Date.parse('2030-01-01T00:00:00Z');
  const directory = directoryWith({ tenants: [defaultTenant(nowMs)] });
  const log: string[] = [];
  const commits: RecordChange[] = [];
  let imported = knownAdvisories;
  const deps: AdminDeps = {
    directory,
    async commit(changes) {
      // The store answers in a later turn, as the real one does.
      await new Promise((resolve) => setImmediate(resolve));
      for (const { kind, record, expectedVersion } of changes) {
        const before = directory.find(kind, record.id);
        if ((before?.version ?? 0) !== expectedVersion) throw new VersionConflict(`${record.id} has changed`);
      }
      directory.apply(changes);
      commits.push(...changes);
      return { confirmed: 2, replaced: 1 };
    },
    hmacKey: Buffer.alloc(32, 1),
    randomBytes: (count) => randomBytes(count),
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => ({ cancel() {}, refresh() {} }) },
    people: {
      sealer: () =>
        Promise.resolve({ seal: (_, plain) => Promise.resolve(plain), open: (_, text) => Promise.resolve(text) }),
      hasher: { hash: (password) => Promise.resolve(`hash of ${password}`), verify: () => Promise.resolve(false) },
      endAccess: () => Promise.resolve(),
      publicUrl: 'https://llm.example.org',
    },
    version: '0.0.0-test',
    config: () => ({ listen: { port: 8443 } }),
    lastPermissionUseMs: () => undefined,
    judgePolicies: () => undefined,
    reviews: fakeReviews(),
    instances: () => [{ id: 'here', workers: [] }],
    upstreams: () => [
      {
        name: 'main',
        url: 'http://127.0.0.1:1',
        state: 'down',
        version: undefined,
        models: [],
        contexts: {},
        outstanding: 0,
        waiting: 2,
        limit: 4,
        engine: { running: 4, waiting: 0, cacheUsage: undefined },
        firstByteMs: 80.4,
        why: 'refused',
      },
    ],
    advisories: {
      list: () => imported,
      add: (more) => void (imported = [...imported, ...more]),
      upstreams: () => [{ name: 'main', version: '0.29.0', release: parseRelease('0.29.0'), patches }],
    },
    explain: ({ key }) =>
      Promise.resolve(
        key === 'Ab12cd' ? { stages: [{ stage: 'route', decision: 'allow' }], fields: [], sent: null } : undefined,
      ),
    maxExplainedBytes: () => 1024 * 1024,
    tokenUses: () => [],
    limitsOf: () => Promise.resolve([]),
    usage: () => Promise.resolve([]),
    access: {
      sessions: () => Promise.resolve([]),
      grants: () => Promise.resolve([]),
      endSession: () => Promise.resolve(false),
      endGrant: () => Promise.resolve(false),
    },
    signingKeys: { list: () => Promise.resolve([]), rotate: () => Promise.resolve() },
    bans: emptyBans,
    judgeAddress: () => undefined,
    keyring: { status: () => Promise.resolve(emptyKeyring), rotate: () => Promise.resolve(emptyKeyring) },
    metrics: () => '# TYPE up gauge\nup 1\n',
    upstreamMetrics: (name) => Promise.resolve(name === 'main' ? 'vllm:x{} 1\n' : deny('unknown_object')),
    prometheus: true,
    authenticate: async ({ authorization }) => {
      const scopes = /^Bearer scopes=(.*)$/.exec(authorization ?? '')?.[1];
      return scopes === undefined ? deny('missing_credential') : principalWith(scopes.split(' ') as Scope[]);
    },
    isStillUsable: () => true,
    isUnrecorded: () => false,
    isHoldShared: () => Promise.resolve(undefined),
    anomalies: () => [],
    alerts: { channels: () => [], test: () => Promise.resolve(undefined) },
    searchAuditLog: () => Promise.resolve(undefined),
    eraseAuditNames: async (tenant) => tenant === 'default',
    running: () => Promise.resolve([]),
    stopRunning: () => Promise.resolve(undefined),
    asActor: (_actor, _address, work) => work(),
    logChange: (actor, action, object) =>
      void log.push(`${actor.kind === 'socket' ? 'socket' : actor.principal.id} ${action} ${object}`),
    ...overrides,
  };
  const app = createAdminApp(deps);
  const operations = adminOperations(deps);
  return {
    deps,
    app,
    log,
    commits,
    setTime: (ms: number) => {
      nowMs = ms;
    },
    /** Sends one request; `target` is method and path, such as `GET /api/v1/api-keys`. */
    async ask(target: string, { body, headers = {}, as }: AdminAsk = {}): Promise<AdminAnswer> {
      const [method = 'GET', path = '/'] = target.split(' ');
      const init = {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(as === undefined || as === 'nobody' ? {} : { authorization: `Bearer scopes=${as.join(' ')}` }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
      };
      const answer = await app.request(path, init, { isSocket: as === undefined, address: '192.0.2.1' });
      const text = await answer.text();
      const operation = operations.find(
        (one) => one.method === method && patternOf(one.path).test(path.split('?')[0] ?? ''),
      );
      // Whatever a test looks at: an answer has the form that the description promises.
      if (answer.ok && operation?.response !== undefined) operation.response.parse(JSON.parse(text));
      return { status: answer.status, headers: answer.headers, text, json: objectIn(text) };
    },
  };
}

const emptyBans = { list: () => [], lift: () => undefined, add: () => deny('overloaded') };
const emptyKeyring = { source: 'auto', configured: 'auto', rootId: undefined, dataKeys: [], problem: undefined };

const patternOf = (path: string): RegExp => new RegExp(`^/api/v1${path.replace('{id}', '[^/]+')}$`);

function principalWith(scopes: readonly Scope[]): Principal {
  return {
    id: 'key:Admin1',
    keyId: 'Admin1',
    token: undefined,
    marks: ['key:Admin1'],
    tenant: 'default',
    owner: undefined,
    roles: [],
    groups: [],
    scopes: new Set(scopes),
    models: new Set(),
    limits: {},
    pools: [],
    grants: new Set(),
    caps: {},
    onBehalfOf: undefined,
    member: undefined,
  };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

const REVIEW: Review = {
  id: 'r_20300101T000000_000Z',
  at: '2030-01-01T00:00:00.000Z',
  ok: true,
  findings: [],
  gone: [],
  previous: null,
};

/** Reviews that find nothing, as often as they are told to. */
function fakeReviews(): ReviewDesk {
  let every: Schedule = 'none';
  return {
    run: () => Promise.resolve(REVIEW),
    list: () => [REVIEW],
    find: (id) => (id === REVIEW.id ? REVIEW : undefined),
    schedule: () => ({ every, isConfigured: false }),
    setSchedule(next) {
      every = next;
      return true;
    },
    isDue: () => false,
  };
}
