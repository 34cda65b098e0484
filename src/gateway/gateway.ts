import { hash, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { availableParallelism, hostname, networkInterfaces } from 'node:os';
import { openHmacKey, type StateDir } from '../adapters/files/state-dir.ts';
import { createMachine } from '../adapters/machine/machine.ts';
import type { LogOutput } from '../adapters/log/output.ts';
import { certificateNames } from '../adapters/tls/names.ts';
import type { HookRunner } from '../adapters/acme/challenges/record-hook.ts';
import { createBans } from '../adapters/memory/bans.ts';
import { createSharedCounters } from '../adapters/memory/counters.ts';
import { createReplaySet } from '../adapters/memory/replay-set.ts';
import { createUpstreamMemory } from '../adapters/memory/upstream-memory.ts';
import type { AdminDeps } from '../admin/ports.ts';
import { reachableAround } from '../doctor/checks/around.ts';
import { printableConfig } from '../config/print.ts';
import { publicUrlOf, type Config } from '../config/schema.ts';
import type { LastUse, PermissionUse, RecordChange } from '../directory/records.ts';
import { currentOrigin } from '../oauth/origin.ts';
import { createPasswordHasher } from '../directory/password.ts';
import { rules } from '../anomaly/rules/index.ts';
import { createPolicies } from '../policies/policies.ts';
import { createPermissionUses } from '../directory/permission-uses.ts';
import type { SharedNotes } from '../directory/shared-holds.ts';
import { accessRecordsOf, createDirectoryState } from '../directory/state.ts';
import { createQuarantines } from '../directory/quarantines.ts';
import { createRevocations } from '../directory/revocations.ts';
import { createTokenUses, type TokenUse } from '../directory/token-uses.ts';
import { createCredentials } from '../directory/credentials.ts';
import { defaultTenant } from '../directory/issue.ts';
import { StoreUnavailable } from '../directory/store.ts';
import { createUsageBook } from '../limits/ledger.ts';
import { createEstimator } from '../limits/estimator.ts';
import { createWallClock } from '../limits/wall-clock.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Principal } from '../kernel/exchange.ts';
import { deny } from '../kernel/reasons.ts';
import { createRunningExchanges } from '../forward/running.ts';
import { alertDesk } from './alert-desk.ts';
import { addressJudge, holdOf, keepBans, neverBanned } from './bans.ts';
import { createChangeLog } from './change-log.ts';
import { openCallerCounters, type CallerCounters } from './caller-counters.ts';
import { createAdvisoryLog } from './advisory-log.ts';
import { openCertificate } from './certificate.ts';
import { createDataPlane, isStillUsable, tenantKeyOf } from './data-plane.ts';
import { explain } from './explain.ts';
import { accessBook, signingKeyBook } from './oauth-keys.ts';
import { keepQuarantine } from './quarantine.ts';
import { createReviews, reviewOnSchedule } from './reviews.ts';
import { openSharedHolds, shareQuarantine, type SharedQuarantine } from './shared-quarantine.ts';
import { reservePort } from './reserve-port.ts';
import { restartNeeded, withFixed } from './restart-keys.ts';
import { startOAuth, type RunningOAuth } from './oauth.ts';
import { oauthRecord } from './oauth-records.ts';
import { createLimitBook } from './limit-book.ts';
import { createBudgetTeller, createCountersTeller } from './limit-tellers.ts';
import { settingsOf, upstreamMemoryFor } from './settings.ts';
import { createSharedMemory } from './shared-memory.ts';
import { noticing } from './notices.ts';
import { openJournal } from './journal.ts';
import { openLedger } from './ledger.ts';
import { createOwnerTeller } from './owner-teller.ts';
import { tellLeftOver } from './left-over.ts';
import { lazyKeyring } from './keyring.ts';
import { adminMethodsOf } from './authentication.ts';
import { openIssuers } from './issuers.ts';
import { openUpstreams } from './upstreams.ts';
import { installedUpstreams } from './installed-upstreams.ts';
import { publicPipelineOf } from './listeners.ts';
import { openAdvisoryBook } from './advisory-book.ts';
import { releasesOf } from './model-book.ts';
import { GAUGE, gaugesOf } from '../observers/metrics/series.ts';
import { createMetricsPage } from '../observers/metrics/page.ts';
import { startAdmin, type RunningAdmin } from './admin-listener.ts';
import { adminAuthenticator } from './admin-credentials.ts';
import { adminRecord } from './admin-records.ts';
import { createLossTeller, gapOfWorker } from './loss-teller.ts';
import { workersOf } from './config.ts';
import { searchInThread } from './threads/audit-search-client.ts';
import { startWorkers, type Workers } from './threads/control.ts';
import { startExports } from './threads/exports-client.ts';
import { startRecords, type Records } from './threads/records-client.ts';
import { recordRulesOf } from './threads/records-messages.ts';
import type { WorkerStart } from './threads/messages.ts';
import { startStore } from './threads/store-client.ts';
import { USER_AGENT, VERSION } from './version.ts';

/** What a gateway starts with. */
export interface GatewayOptions {
  readonly config: Config;
  readonly stateDir: StateDir;
  readonly log: LogOutput;
  readonly logFormat: 'json' | 'text';
  /** Runs the hook of DNS-01 outside the sandbox. */
  readonly runHook?: HookRunner | undefined;
}

/** A running gateway. */
export interface Gateway {
  readonly publicUrl: string;
  /** Where the public listener really is: host and port. */
  readonly port: number;
  readonly adminUrl: string;
  readonly caFile: string | undefined;
  /** The deps of its admin API, for callers in the same process. */
  readonly admin: AdminDeps;
  /** Works with another configuration from the next request on; the names of keys that need a restart. */
  reload(config: Config): Promise<readonly string[]>;
  /** What only tests touch. */
  readonly testing: {
    /** Ends a worker as if it had crashed. */
    killWorker(row: number): void;
    readyWorkers(): number;
    /** Requests and connections that the counters hold. */
    held(): number;
  };
  /** Stops accepting, lets running answers end up to the grace, closes the store. */
  stop(): Promise<void>;
}

const FIRST_LOOK_MS = 1_500;
const LOCK_WAIT_MS = 3_000;

/** Starts the gateway: store, workers, listeners, watches. @throws what stands in the way, each with its way out */
export async function startGateway({
  config: first,
  stateDir,
  log: output,
  logFormat,
  runHook,
}: GatewayOptions): Promise<Gateway> {
  let config = first;
  const clock = systemClock;
  const wall = createWallClock(clock);
  const log = noticing(
    output,
    () => clock.nowMs(),
    (notice) => exports.notice(notice),
  );
  const store = await startStore({
    databasePath: stateDir.database,
    lockPath: stateDir.lock,
    lockWaitMs: LOCK_WAIT_MS,
  });
  const hmacKey = openHmacKey(stateDir);
  const stored = await store.readAll();
  const directory = createDirectoryState(stored);
  const tokenUses = createTokenUses(stored.tokenUses);
  const permissionUses = createPermissionUses(stored.permissionUses);
  if (!directory.tenants.has('default')) {
    const change: RecordChange = { kind: 'tenant', record: defaultTenant(clock.nowMs()), expectedVersion: 0 };
    await store.write([change]);
    directory.apply([change]);
  }

  const keyring = lazyKeyring({
    source: () => first.keyring.rootKey,
    stateDir,
    env: process.env,
    artifacts: store.artifacts,
    randomBytes: (count) => randomBytes(count),
    nowMs: () => clock.nowMs(),
  });
  try {
    // A gateway that could not open what is there would answer, and then fail everybody with a token of ours.
    await keyring.check();
  } catch (error) {
    await store.close();
    throw error;
  }

  const port = await reservePort(config.listen.host, config.listen.port, 'listen.port');
  const publicUrl = publicUrlOf(config, port);
  const workerCount = workersOf(config.workers, availableParallelism());
  // Row 0 to n-1 are the workers', the last one the control plane's own.
  const rows = workerCount + 1;
  const ownRow = workerCount;
  const memory = createSharedMemory(workerCount, hmacKey, clock.monotonicMs());
  const bans = createBans(memory.bans, ownRow, () => config.network.bans);
  const quarantine = keepQuarantine({
    config: () => config.anomaly,
    directory,
    commit: (changes) => admin.commit(changes),
    note: (record) => records.note(record),
    rules: rules.map(({ id }) => id),
    nowMs: () => clock.nowMs(),
    log,
  });
  const changeLog = createChangeLog(
    () => clock.nowMs(),
    (change) => records.note(change),
  );
  const advisoryLog = createAdvisoryLog(
    () => clock.nowMs(),
    (record) => records.note(record),
  );
  let lostRecords = 0;
  const tellOfLoss = createLossTeller(clock, log);
  // It loads while the rest is made ready.
  const records = openRecords();
  const banKeeper = keepBans(stored.bans, {
    ...{ book: bans, store, config: () => config, clock, log },
    onBan: (ban, activity) => records.note(holdOf(ban, activity, clock.nowMs())),
  });
  const instance = randomUUID();
  const exports = startExports(
    { config, stateDir: stateDir.path, version: VERSION, instance, host: hostname(), publicUrl },
    {
      // That exports fail is told to nobody through them, or it would go round.
      log: (level, event, facts) => (event === 'audit_log_set_back' ? log : output)[level](event, facts),
      port: (to) => records.setExports(to),
      silences: () => [...directory.silences.values()].filter(({ state }) => state === 'active'),
    },
  );
  const budgets = createBudgetTeller(log);
  const countersTeller = createCountersTeller(log, () => config.counters.onFailure);
  // Before anything is watched: its news may come while the start still waits for something else.
  let oauth: RunningOAuth | undefined;
  let workers: Workers | undefined;
  let adminListener: RunningAdmin | undefined;
  const certificate = await openCertificate(config, {
    stateDir: stateDir.path,
    names: certificateNames({ ...machine(), listenHosts: [config.listen.host, config.admin.host], publicUrl }),
    ownAddresses: machine().interfaceAddresses,
    onTls(tls) {
      workers?.setTls(tls);
      adminListener?.setTls(tls);
    },
    onAlpn: async (certificates) => workers?.setAlpn(certificates),
    ...{ port, runHook, clock, log },
  });

  // By a descriptor that stays open, for a path over 107 bytes cannot be dialled (unix(7)).
  const stateFd = openSync(stateDir.path, 'r');
  const oauthSocket = `/proc/self/fd/${stateFd}/${basename(stateDir.oauthSocket)}`;
  let settings = settingsOf(config, createUpstreamMemory(config.upstreams.length, rows), publicUrl, oauthSocket);
  const issuers = openIssuers(config, settings.issuerPems, {
    own: () => oauth,
    onNews: (states) => workers?.setIssuers(states),
    ...{ publicUrl, clock, log },
  });
  const upstreams = openUpstreams(settings, {
    tell: (row, message) => workers?.tellPlace(row, message),
    onNews(known) {
      // Those of the first look are recorded with the start.
      if (workers !== undefined) advisoryLog.look(config, known);
      workers?.setUpstreams(known);
    },
    ...{ row: ownRow, clock, log },
  });
  const metrics = createMetricsPage(memory.metrics, rows, {
    version: VERSION,
    certificateExpiryMs: () => certificate.expiresAtMs(),
    workers: () => workers?.states().filter(({ isReady }) => isReady).length ?? 0,
    droppedLines: () => log.dropped(),
    bans: () => banKeeper.figures(),
    budgets: () => budgets.told(),
    upstreams: () => upstreams.views().map(({ state, ...view }) => ({ ...view, isUp: state === 'up' })),
    records: () => ({ isFailing: records.isFailing(), lost: lostRecords }),
    anomalies: () => quarantine.figures(),
    untoldHolds: () => sharing?.untold() ?? 0,
    exports: () => exports.figures(),
    shipLags: () => exports.lags(),
  });

  const counters = createSharedCounters(memory.counters, ownRow);
  let callers: Promise<CallerCounters> | undefined;
  /** Where callers are counted, opened when somebody asks how they stand. */
  const callersHere = (): Promise<CallerCounters> =>
    (callers ??= openCallerCounters(config.counters, {
      clock,
      wall,
      own: counters,
      instance,
      onChange: () => undefined,
    }));
  const ledger = await openLedger(store.ledger, counters, { clock, wall }, (error) =>
    log.error('ledger', { why: error instanceof Error ? error.message : 'it cannot be written' }),
  );
  const journal =
    config.counters.url === 'memory'
      ? undefined
      : await openJournal(store.journal, { clock, wall }, (error) =>
          log.error('journal', { why: error instanceof Error ? error.message : 'it cannot be written' }),
        );
  const leftOver =
    journal && tellLeftOver(journal, workerCount, config.counters, { clock, wall, own: counters, instance });
  const hasher = createPasswordHasher((count) => randomBytes(count));
  let stopped: Promise<void> | undefined;
  const likenessSecret = randomBytes(32);
  const startOf = (row: number): WorkerStart => ({
    row,
    likenessSecret,
    host: config.listen.host,
    port,
    logFormat,
    settings,
    tls: certificate.tls(),
    alpn: certificate.alpn(),
    hmacKey,
    upstreams: upstreams.known(),
    seq: 0,
    access: accessRecordsOf(directory),
    revocations: [...directory.revocations.values()],
    quarantines: [...directory.quarantines.values()],
    issuers: issuers.states(),
    hasOAuth: directory.clients.size + directory.users.size > 0,
    memory,
    instance,
    get wall() {
      return wall.state();
    },
    // A start is asked for at each look at the heartbeats, too: only who begins reads it.
    get journal() {
      return journal?.before(row, workerCount);
    },
  });

  const sharing = config.counters.url === 'memory' ? undefined : await openSharing(config.counters.url);

  // What the upstreams serve, and who is held elsewhere, is known before the first request where they answer quickly.
  await Promise.all([
    sharing?.catchUp(),
    Promise.race([upstreams.look(), new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))]),
    // Who has turned it on relies on it: nothing is let through unrecorded from the start.
    records.opened.catch(async (error: unknown) => {
      await sharing?.close();
      await store.close();
      throw error;
    }),
  ]);
  workers = await startWorkers(workerCount, startOf, {
    lines: (lines) => log.raw(lines),
    uses: noteUses,
    tokenUses: noteTokenUses,
    permissionUses: notePermissionUses,
    usage: (rows) => ledger.note(rows),
    budget: (warning) => budgets.note(warning),
    askIssuer: (issuer) => issuers.ask(issuer),
    series: (row, index, labels) => metrics.name(row, index, labels),
    counters: (row, isUp, why) => countersTeller.note(row, isUp, why),
    recordPort: (row) => records.portOf(row),
    journal: (row, page) => journal?.note(row, page),
    replaced(row, why, running) {
      log.error('worker_replaced', { row, why });
      const gap = gapOfWorker(row, records.lostWith(row), running, clock.nowMs());
      if (gap !== undefined) records.note(gap);
    },
    places: (row, message) => upstreams.queue.hear(row, message),
    ended(row) {
      countersTeller.ended(row);
      metrics.takeOver(row);
      upstreams.queue.ended(row);
    },
  });
  const live = workers;
  // What was learnt while they started had nobody to be told to.
  live.setUpstreams(upstreams.known());
  const tls = certificate.tls();
  if (tls !== undefined) live.setTls(tls);
  if (certificate.alpn().length > 0) await live.setAlpn(certificate.alpn());
  issuers.tell();
  records.note({
    kind: 'lifecycle',
    timeMs: clock.nowMs(),
    activity: 'start',
    detail: { version: VERSION, publicUrl, sha256: configHash() },
  });
  advisoryLog.look(config, upstreams.known());

  /** By which the configuration that is in force can be told from every other one. */
  function configHash(): string {
    return hash('sha256', JSON.stringify(printableConfig(config)));
  }

  async function openSharing(url: string): Promise<SharedQuarantine> {
    const host = hostname()
      .replaceAll(/[^\w.-]/g, '_')
      .slice(0, 80);
    const gauges = gaugesOf(memory.metrics, ownRow);
    gauges[GAUGE.quarantineUnshared] = 1;
    return shareQuarantine({
      holds: await openSharedHolds(url, { clock, process: instance, from: `${host}:${port}` }),
      notes: stored.sharedNotes,
      keeper: quarantine,
      process: instance,
      // Workers that have not begun start with what is written.
      commit: (changes, notes) =>
        workers === undefined || changes.length === 0 ? write(changes, notes) : commit(changes, notes),
      onShared: (isShared) => void (gauges[GAUGE.quarantineUnshared] = isShared ? 0 : 1),
      ...{ directory, clock, log },
    });
  }

  function openRecords(): Records {
    const { enabled: isLogged } = config.auditLog;
    return startRecords(
      { stateDir: stateDir.path, product: VERSION, isLogged, rules: recordRulesOf(config), memory: memory.records },
      {
        failing: (why) => log.error('audit_log_failing', { why, onFailure: config.auditLog.onFailure }),
        recovered: (lost) => log.info('audit_log_recovered', { lost }),
        lost(count) {
          lostRecords += count;
          tellOfLoss(count);
        },
        foundUnsigned: ({ records: count, spanMs }) => log.error('audit_log_unsigned', { records: count, spanMs }),
        findings: (findings) => void quarantine.take(findings),
        deaf: (name) => log.error('anomaly_fault', { name }),
        reopened: (row, recordPort, done) => workers?.setRecordPort(row, recordPort, done),
        unexported: () => exports.reconnect(),
      },
    );
  }

  function noteUses(uses: readonly LastUse[]): void {
    directory.noteUses(uses);
    // A last use that is lost with a full disk harms nobody; it is written again with the next one.
    store.noteLastUses(uses).catch(() => undefined);
  }

  function noteTokenUses(uses: readonly TokenUse[]): void {
    store.noteTokenUses(tokenUses.merge(uses)).catch(() => undefined);
  }

  function notePermissionUses(uses: readonly PermissionUse[]): void {
    store.notePermissionUses(permissionUses.merge(uses)).catch(() => undefined);
  }

  const credentials = createCredentials(accessRecordsOf(directory));
  const policies = createPolicies([...directory.policies.values()]);
  const revocations = createRevocations([...directory.revocations.values()]);
  const quarantines = createQuarantines([...directory.quarantines.values()]);
  /** What authenticating in this thread works with. */
  const authenticating = {
    isOAuthOn: () => false,
    clock,
    credentials: () => credentials,
    revocations: () => revocations,
    isHeld: (marks: readonly string[]) => quarantines.isHeld(marks),
    policies: () => policies,
    issuers: issuers.book,
    replays: createReplaySet(memory.replays),
    bans,
    hmacKey,
    onUse: (id: string, atMs: number) => noteUses([{ id, atMs }]),
    onTokenUse: ({ token }: Principal, network: string) => {
      if (token !== undefined) tokenUses.note(token, network, clock.nowMs());
    },
  };
  const reviews = createReviews({
    ...{ reviewed: () => admin, config: () => config, clock, publicUrl, stateDir: stateDir.path },
    note: (id, result) => changeLog.told('reviews.run', id, result),
  });
  const endReviews = reviewOnSchedule(reviews, clock, log);
  const owners = createOwnerTeller({
    ...{ directory, config: () => config, sealer: () => admin.people.sealer(), nowMs: () => clock.nowMs() },
    tell: (word) => exports.tellOwner(word),
    onProblem: (key) => log.warn('owner_not_told', { subject: key }),
  });
  async function write(changes: readonly RecordChange[], notes?: SharedNotes) {
    await store.write(changes, notes);
    changeLog.committed(changes, directory);
    directory.apply(changes);
  }

  async function commit(changes: readonly RecordChange[], notes?: SharedNotes) {
    await write(changes, notes);
    // From here on the change is durable: memory and workers follow, in this order.
    credentials.apply(changes);
    policies.apply(changes);
    revocations.apply(changes);
    quarantines.apply(changes);
    if (changes.some(({ kind }) => kind === 'silence')) exports.silence();
    return live.change(changes);
  }

  const admin: AdminDeps = {
    directory,
    async commit(changes) {
      const done = await commit(changes);
      owners.told(changes);
      if (changes.some(({ kind }) => kind === 'quarantine')) {
        sharing?.changed();
        quarantine.freed();
      }
      return done;
    },
    isHoldShared: async (id) => sharing?.isTold(id),
    hmacKey,
    randomBytes: (count) => randomBytes(count),
    clock,
    people: {
      async sealer() {
        if (oauth === undefined) throw new StoreUnavailable('the keyring is not open yet');
        return (await oauth.open()).sealer;
      },
      hasher,
      endAccess: (userId) => store.artifacts.removeAccount(userId),
      publicUrl,
    },
    version: VERSION,
    config: () => printableConfig(config),
    instances: () => [
      {
        id: hostname(),
        version: VERSION,
        pid: process.pid,
        startedAt: new Date(clock.nowMs() - process.uptime() * 1000).toISOString(),
        publicUrl,
        port,
        changes: live.seq(),
        held: counters.held(),
        workers: live.states(),
      },
    ],
    upstreams: () => upstreams.views(),
    async limitsOf(id) {
      const principal = credentials.find(id)?.principal;
      if (principal === undefined) return [];
      return createLimitBook(config.limits, (await callersHere()).counters, clock, wall)(principal, '');
    },
    async usage(query) {
      await ledger.flush();
      return store.ledger.readUsage(query);
    },
    keyring,
    reviews,
    bans: banKeeper.desk,
    anomalies: () => quarantine.list(),
    alerts: alertDesk(() => config, exports),
    searchAuditLog: async (question) => (config.auditLog.enabled ? searchInThread(stateDir.path, question) : undefined),
    eraseAuditNames: (tenant) => records.erase(tenant),
    running: () => live.running(),
    stopRunning: (requestId) => live.stopRunning(requestId),
    judgeAddress: (address) => judgeAddress(address),
    tokenUses: () => tokenUses.list(),
    lastPermissionUseMs: (holder, permission) => permissionUses.lastMs(holder, permission),
    judgePolicies: (principal, address, scope) =>
      policies.judge({ principal, address, scope, model: undefined, nowMs: clock.nowMs() }),
    access: accessBook(async () => {
      if (oauth === undefined) throw new StoreUnavailable('the authorization server is not started yet');
      return (await oauth.open()).access;
    }),
    signingKeys: signingKeyBook(
      () => oauth?.open() ?? Promise.reject(new Error('it is not started yet')),
      async () => oauth?.rekey(),
    ),
    advisories: {
      ...openAdvisoryBook(stateDir),
      upstreams: () => releasesOf(config, upstreams.known()),
    },
    explain(question) {
      // A plane of its own, of the settings as they are now; nothing of it ever speaks to an upstream.
      const plane = createDataPlane(settings, {
        wall,
        estimator: createEstimator(),
        usage: createUsageBook(),
        onBudget: () => undefined,
        ...authenticating,
        row: ownRow,
        counters,
        // Nothing is spent in a dry run.
        callers: counters,
        tenantKey: tenantKeyOf(hmacKey),
        known: () => upstreams.known(),
        running: createRunningExchanges(),
        line: { wait: () => () => undefined },
        onFreed: () => undefined,
      });
      return explain(question, {
        find: (id) => credentials.find(id),
        rules: { maxHeaders: config.listen.maxHeaders, hosts: new Set() },
        pipelineOf: (path) => publicPipelineOf(plane.pipelines, path, false),
        nowMs: () => clock.nowMs(),
        storedResponses: config.validation.storedResponses,
      }).finally(() => plane.close());
    },
    maxExplainedBytes: () => config.validation.maxBodyBytes,
    metrics: (format) => metrics.text(format),
    upstreamMetrics: (name) => upstreams.metrics(name),
    get prometheus() {
      return config.telemetry.prometheus;
    },
    authenticate: (asked) => adminGate(asked),
    isUnrecorded: () => config.auditLog.enabled && config.auditLog.onFailure === 'deny' && records.isFailing(),
    isStillUsable: (principal) =>
      (principal.token?.expiresAtMs ?? Infinity) > clock.nowMs() && isStillUsable(principal, config, authenticating),
    logFault: (requestId, error) =>
      log.error('admin_fault', { requestId, name: error instanceof Error ? error.name : typeof error }),
    noteRequest: (request) => records.note(adminRecord(request, clock.nowMs())),
    asActor: (actor, address, work) => changeLog.as(actor, address, work),
    logChange(actor, action, object, after) {
      log.info('admin_change', {
        actor: actor.kind === 'socket' ? 'socket' : actor.principal.id,
        action,
        object,
      });
      changeLog.told(action, object, after);
    },
  };
  oauth = await startOAuth({
    config: () => config,
    publicUrl,
    stateDir,
    artifacts: store.artifacts,
    keyring,
    directory,
    commit: (changes) => admin.commit(changes),
    revocations: () => revocations,
    tokenUses: () => tokenUses.list(),
    counters,
    hmacKey,
    hasher,
    clock,
    randomBytes: (count) => randomBytes(count),
    log,
    onEvent(event, facts) {
      const record = oauthRecord(event, facts, {
        ...{ directory, nowMs: () => clock.nowMs(), address: () => currentOrigin()?.address },
      });
      if (record !== undefined) records.note(record);
    },
    onKeys: () => issuers.tell(),
  });
  issuers.tell();
  sharing?.begin();
  // Until it is known where the listener is, nobody is let in.
  let judgeAddress = addressJudge(config, bans, clock);
  let adminGate: AdminDeps['authenticate'] = () => Promise.resolve(deny('overloaded'));
  const runningAdmin = await startAdmin(admin, {
    host: config.admin.host,
    port: config.admin.port,
    socketPath: stateDir.socket,
    tls: certificate.tls(),
  });
  adminListener = runningAdmin;
  adminGate = adminGateOf();
  certificate.begin();
  void warnOfWaysAround();

  /** Who may administer, by the configuration as it is now; it remembers tokens, so it is not made for each request. */
  function adminGateOf() {
    const deps = { ...authenticating, url: runningAdmin.url };
    const methods = adminMethodsOf(config, publicUrl, settings.issuerPems, deps);
    const { failuresPerMinute } = config.limits.perIp;
    const { isHeld } = authenticating;
    const gate = { methods, counters, clock, bans, isHeld, isNeverBanned: neverBanned(config) };
    return adminAuthenticator({ failuresPerMinute }, gate);
  }

  /** What answers on the machine's other addresses is reached without any key of ours. */
  async function warnOfWaysAround(): Promise<void> {
    const found = await reachableAround({ upstreams: installedUpstreams(config) }, createMachine([], USER_AGENT));
    for (const { name, url } of found) {
      log.warn('reachable_around', {
        upstream: name,
        url,
        mend: 'start vLLM with --host 127.0.0.1, or see: sallyport doctor',
      });
    }
  }

  return {
    publicUrl,
    port,
    adminUrl: runningAdmin.url,
    caFile: certificate.caFile,
    admin,
    async reload(next) {
      const restart = restartNeeded(config, next);
      const fixed = withFixed(next, config);
      const upstreamMemory = upstreamMemoryFor(config.upstreams, fixed.upstreams, settings.upstreamMemory);
      // A file that is not as it should be throws here, while all is still as it was.
      const nextSettings = settingsOf(fixed, upstreamMemory, publicUrl, oauthSocket);
      certificate.reload();
      [config, settings] = [fixed, nextSettings];
      upstreams.reload(settings);
      issuers.reload(config, settings.issuerPems);
      adminGate = adminGateOf();
      judgeAddress = addressJudge(config, bans, clock);
      records.setRules(recordRulesOf(config));
      exports.reload(config);
      records.note({
        ...{ kind: 'lifecycle', timeMs: clock.nowMs(), activity: 'configure' },
        detail: { sha256: configHash(), restart: [...restart] },
      });
      advisoryLog.look(config, upstreams.known());
      await live.reconfigure(settings);
      live.setUpstreams(upstreams.known());
      await upstreams.look();
      return restart;
    },
    testing: {
      killWorker: (row) => live.kill(row),
      readyWorkers: () => live.states().filter(({ isReady }) => isReady).length,
      held: () => counters.held(),
    },
    stop: () => (stopped ??= stop()),
  };

  async function stop(): Promise<void> {
    upstreams.stop();
    issuers.stop();
    certificate.stop();
    await runningAdmin.stop();
    await live.drain(config.shutdown.graceMs);
    banKeeper.stop();
    endReviews();
    await (await callers)?.close();
    await leftOver?.close();
    await sharing?.close();
    await journal?.close();
    await oauth?.stop();
    closeSync(stateFd);
    await ledger.close();
    records.note({ kind: 'lifecycle', timeMs: clock.nowMs(), activity: 'stop', detail: { version: VERSION } });
    await records.close();
    await exports.close();
    await store.close();
    log.flush();
  }
}

function machine(): { hostname: string; interfaceAddresses: string[] } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return { hostname: hostname(), interfaceAddresses: addresses };
}
