import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createBodyBudget } from '../../adapters/http-server/body-budget.ts';
import { createPublicServer, type BrokenHead, type PublicServer } from '../../adapters/http-server/server.ts';
import { createSocketOpener } from '../../adapters/web-socket/server-socket.ts';
import { createBans } from '../../adapters/memory/bans.ts';
import { createSharedCounters } from '../../adapters/memory/counters.ts';
import { createReplaySet } from '../../adapters/memory/replay-set.ts';
import { createUpstreamPlaces } from '../../adapters/memory/upstream-places.ts';
import { createUpstreamStates } from '../../adapters/memory/upstream-states.ts';
import { serverTlsOptions } from '../../adapters/tls/context.ts';
import { createCredentials, isUsable, type Credentials } from '../../directory/credentials.ts';
import { createQuarantines, type Quarantines } from '../../directory/quarantines.ts';
import { createRevocations, type Revocations } from '../../directory/revocations.ts';
import { createPermissionUses } from '../../directory/permission-uses.ts';
import { createTokenUses } from '../../directory/token-uses.ts';
import { createRunningExchanges } from '../../forward/running.ts';
import type { BudgetWarning } from '../../limits/budget-warnings.ts';
import { createUsageBook } from '../../limits/ledger.ts';
import { createEstimator } from '../../limits/estimator.ts';
import { createWallClock } from '../../limits/wall-clock.ts';
import type { Principal } from '../../kernel/exchange.ts';
import { systemClock, type Timer } from '../../kernel/clock.ts';
import { deny, type ReasonCode } from '../../kernel/reasons.ts';
import type { Outcome } from '../../kernel/stage.ts';
import { createLikeness } from '../../anomaly/likeness.ts';
import { lastTextOf } from '../../vllm/fields/last-text.ts';
import { createBansObserver } from '../../observers/bans/observer.ts';
import type { ContentTap } from '../../kernel/content.ts';
import { createLineBatch, requestLine, unreadExchange, type LoggedExchange } from '../../observers/log/observer.ts';
import { createMetricsObserver, type Traced } from '../../observers/metrics/observer.ts';
import { GAUGE, gaugesOf } from '../../observers/metrics/series.ts';
import { createContentTaps } from '../../observers/content/tap.ts';
import { countedLine, nobodysLine, recordLine } from '../../observers/records/line.ts';
import { createRepeats } from '../../observers/records/repeats.ts';
import { createPolicies, type Policies } from '../../policies/policies.ts';
import { createBeginTrace, type BeginTrace } from '../../telemetry/begin-trace.ts';
import { isKept } from '../../telemetry/sampling.ts';
import { addressMatcher, countedNetwork } from '../../wire/address.ts';
import { brokenHeadResponse } from '../../wire/broken-head.ts';
import { FRAMING, surfaceOfTarget } from '../../wire/request-head.ts';
import { neverBanned } from '../bans.ts';
import { createWorkerLine } from './line.ts';
import { createIssuerBook } from './issuer-book.ts';
import { openCallerCounters } from '../caller-counters.ts';
import { createDataPlane, tenantKeyOf, type DataPlane } from '../data-plane.ts';
import { createFront, refusedAtOnce } from '../front.ts';
import { challengeOfferOf } from '../resource-metadata.ts';
import { createRecordSender, type RecordPort } from './record-sender.ts';
import { openRecordsMemory, recordRulesOf, type RecordBatch } from './records-messages.ts';
import type { FromWorker, Settings, ToWorker, WorkerStart } from './messages.ts';
import { randomFillSync, randomUUID } from 'node:crypto';

/** A thread of the data plane: started with a full snapshot, kept true by numbered deltas. */
if (parentPort === null) throw new Error('this file is started as a worker thread');
const port = parentPort;
const send = (message: FromWorker): void => port.postMessage(message);
const start = workerData as WorkerStart;
const { row, memory } = start;
const clock = systemClock;

const BEAT_MS = 500;
const HAND_OVER_MS = 50;
/** What was used is written by the second. */
const HAND_OVER_USAGE_MS = 500;
const HAND_OVER_USES_MS = 5_000;
/** Largest frame of a caller: a second and a half of audio as base64. */
const SOCKETS = { maxFrameBytes: 64 * 1024, closeMs: 2_000 };
/** How long what is said at the end of the grace may take to leave. */
const FAREWELL_MS = 250;
const MAX_WAITING_LINES = 8 * 1024 * 1024;

/** Outlives settings. */
const wall = createWallClock(clock, start.wall);
const counters = createSharedCounters(memory.counters, row);
const gauges = gaugesOf(memory.metrics, row);
const callers = await openCallerCounters(start.settings.config.counters, {
  clock,
  wall,
  own: counters,
  instance: start.instance,
  onChange(isUp, why) {
    gauges[GAUGE.countersDown] = isUp ? 0 : 1;
    send({ kind: 'counters', isUp, why });
  },
  before: start.journal,
  onJournal: (page) => send({ kind: 'journal', page }),
});
const likeness = createLikeness(start.likenessSecret);
const heartbeats = new Int32Array(memory.heartbeats);
const running = createRunningExchanges();
const lines = createLineBatch(MAX_WAITING_LINES);
const records = createRecordSender(start.recordPort === undefined ? undefined : recordPortOf(start.recordPort), {
  row,
  memory: openRecordsMemory(memory.records),
  rules: () => recordRules,
  clock,
});
const uses = new Map<string, number>();
const tokenUses = createTokenUses();
const permissionUses = createPermissionUses();
const usage = createUsageBook();
const countMetrics = createMetricsObserver(memory.metrics, row, (index, labels) =>
  send({ kind: 'series', index, labels }),
);

let settings = start.settings;
/** Made once: every request asks for them. */
let recordRules = recordRulesOf(settings.config);
let known = start.upstreams;
let revocations: Revocations = createRevocations(start.revocations);
let quarantines: Quarantines = createQuarantines(start.quarantines);
/** Who waits for the answer of an issuer. */
const asked = new Map<string, () => void>();
const issuers = createIssuerBook(
  start.issuers,
  (issuer) =>
    new Promise((resolve) => {
      asked.set(issuer, resolve);
      send({ kind: 'ask-issuer', issuer });
    }),
  clock,
);
let hasOAuth = start.hasOAuth;
/** With `auto` it is on from the first client or user on, or where people sign in elsewhere: each worker sees that in the change itself. */
function isOAuthOn(): boolean {
  const { enabled, federation } = settings.config.authorizationServer;
  return enabled === 'auto' ? hasOAuth || federation.issuer !== undefined : enabled;
}
let credentials: Credentials = createCredentials(start.access);
let policies: Policies = createPolicies(start.access.policies);
let seq = start.seq;
/** Places go by the memory's own numbers, so those of an older configuration are given back all the same. */
const onFreed = (upstream: number): void => send({ kind: 'freed', upstream });
const line = createWorkerLine(send, (upstream, tenant) => {
  const places = createUpstreamPlaces(settings.upstreamMemory);
  places.giveBack(row, upstream, tenant);
  if (places.waiting(upstream) > 0) onFreed(upstream);
});
let isDraining = false;
let connections = 0;

const bans = createBans(memory.bans, row, () => settings.config.network.bans);

const planeDeps = {
  wall,
  usage,
  onBudget: (warning: BudgetWarning) => send({ kind: 'budget', warning }),
  estimator: createEstimator(),
  row,
  clock,
  counters,
  callers: callers.counters,
  credentials: () => credentials,
  revocations: () => revocations,
  isHeld: (marks: readonly string[]) => quarantines.isHeld(marks),
  policies: () => policies,
  issuers,
  replays: createReplaySet(memory.replays),
  bans,
  onTokenUse: ({ token }: Principal, network: string) => {
    if (token !== undefined) tokenUses.note(token, network, clock.nowMs());
  },
  isOAuthOn,
  hmacKey: start.hmacKey,
  tenantKey: tenantKeyOf(start.hmacKey),
  known: () => known,
  running,
  line,
  onFreed,
  onUse: (id: string, atMs: number) => void uses.set(id, atMs),
};
let plane: DataPlane = createDataPlane(settings, planeDeps);
let front = createFrontOf(settings, plane);
let isTrustedProxy = addressMatcher(settings.config.listen.trustedProxies);
/** Refusals that are counted, not recorded each. */
const repeats = createRepeats();
let noteOffences = offenceObserverOf(settings);

function offenceObserverOf({ config }: Settings): (x: LoggedExchange, outcome: Outcome) => void {
  return createBansObserver({ bans, isNeverBanned: neverBanned(config), clock });
}

function createFrontOf(current: Settings, currentPlane: DataPlane) {
  const { listen } = current.config;
  const offers = {
    on: challengeOfferOf(current.config, current.publicUrl, true),
    off: challengeOfferOf(current.config, current.publicUrl, false),
  };
  return createFront({
    clock,
    rules: { maxHeaders: listen.maxHeaders, hosts: new Set(listen.hosts) },
    pipelines: currentPlane.pipelines,
    origins: new Set(listen.cors.origins),
    offer: () => (isOAuthOn() ? offers.on : offers.off),
    isOAuthOn,
    health: (path) => ({ isWell: path === '/healthz' || !isDraining, body: healthBody(path) }),
    isDraining: () => isDraining,
    beginTrace: beginTraceOf(current),
    openTap: createContentTaps(recordRulesOf(current.config).content),
    isUnrecorded: () => records.isRefusing(),
    observe,
    recording: {
      isStrict: () => records.isStrict(),
      begin: (x) => records.add(recordLine(x, 'begin', clock.nowMs())),
      kept: () => records.kept(),
    },
    onFault(x, error) {
      gauges[GAUGE.faults] = (gauges[GAUGE.faults] ?? 0) + 1;
      lines.add(faultLine(x.requestId, error));
    },
  });
}

/** The trace of a request that is sent to the collector. */
function tracedOf({ trace }: LoggedExchange, { kind, status, durationMs }: Outcome): Traced | undefined {
  const { otlp } = settings.config.telemetry;
  if (trace === undefined || otlp?.traces !== true) return undefined;
  const isSent = isKept(trace.isSampled, { outcome: kind, status, durationMs }, otlp.sampling);
  return isSent ? { traceId: trace.traceId, timeMs: clock.nowMs() } : undefined;
}

function beginTraceOf({ config: { telemetry } }: Settings): BeginTrace | undefined {
  if (telemetry.otlp === undefined) return undefined;
  const { sampling, trustedContext } = telemetry.otlp;
  return createBeginTrace({ ratio: sampling.ratio, trustedContext }, (bytes) => void randomFillSync(bytes));
}

function observe(x: LoggedExchange & { readonly content?: ContentTap | undefined }, outcome: Outcome): void {
  lines.add(requestLine(x, outcome, start.logFormat));
  // Taken in any case: it gives back its memory.
  const content = x.content?.take();
  if (records.isOn() && !isOneOfMany(x, outcome)) {
    records.add(recordLine(x, outcome, clock.nowMs(), likenessOf(x), content !== undefined), content);
  }
  countMetrics(x, outcome, tracedOf(x, outcome));
  noteOffences(x, outcome);
  notePermissions(x, outcome);
}

/** Whether it is only counted: not where nobody is answered before the record of it is on disk. */
function isOneOfMany(x: LoggedExchange, outcome: Outcome): boolean {
  if (outcome.code === undefined || records.isStrict()) return false;
  const network = x.peer?.network ?? countedNetwork(x.downstream.peerAddress);
  const whose = x.principal ?? x.refused;
  const caller = whose?.keyId ?? whose?.token?.tokenHash;
  return repeats.isCounted({ code: outcome.code, network, caller }, () => recordLine(x, outcome, clock.nowMs()));
}

function handOverRepeats(): void {
  for (const { line: record, count, isOfSeveral } of repeats.take()) {
    records.add(countedLine(isOfSeveral ? nobodysLine(record) : record, count));
  }
}

/** What of its rights a key, or a client of ours, has used: named where it was let in, whatever came of it. */
function notePermissions({ principal, route, model }: LoggedExchange, { kind }: Outcome): void {
  if (kind === 'denial' || principal === undefined || route === undefined) return;
  const { keyId, token } = principal;
  const client = token?.issuer === settings.publicUrl ? token.clientId : undefined;
  const holder = keyId !== undefined ? `key:${keyId}` : client === undefined ? undefined : `client:${client}`;
  if (holder === undefined) return;
  const nowMs = clock.nowMs();
  permissionUses.note(holder, route.scope, nowMs);
  if (model !== undefined) permissionUses.note(holder, `model:${model}`, nowMs);
}

/** How alike what is asked is to what was asked before; nothing of the text goes on. */
function likenessOf({ principal, request }: LoggedExchange): string | undefined {
  if (principal === undefined || request === undefined || settings.config.anomaly.mode === 'off') return undefined;
  const text = lastTextOf(request.body);
  return text === undefined ? undefined : likeness(principal.tenant, text);
}

function recordPortOf(messages: MessagePort): RecordPort {
  return {
    post: (batch) => messages.postMessage(batch, buffersOf(batch)),
    onKept: (told) => void messages.on('message', told),
    close: () => messages.close(),
  };
}

/** Given away, not copied. */
const buffersOf = ({ lines: { buffer }, contents }: RecordBatch): ArrayBuffer[] => [
  buffer,
  ...contents.flatMap(({ prompt, completion }) =>
    [prompt, completion].flatMap((said) => (said?.kept === undefined ? [] : [said.kept.buffer])),
  ),
];

function healthBody(path: string): string {
  if (path === '/healthz') return '{"status":"ok"}';
  const states = createUpstreamStates(settings.upstreamMemory, row);
  const upstreams = settings.config.upstreams.map(({ name }, index) => ({
    name,
    state: known[index]?.models === undefined ? 'unknown' : states.isUp(index) ? 'up' : 'down',
  }));
  const store =
    callers.isUp() === undefined
      ? {}
      : { counters: isCounting() ? 'up' : 'down', quarantine: isQuarantineShared() ? 'shared' : 'unshared' };
  return JSON.stringify({ status: isDraining ? 'draining' : 'ready', upstreams, ...store });
}

/** Whether what is held elsewhere is held here and the other way round; the control plane says so in its own row. */
const isQuarantineShared = (): boolean =>
  gaugesOf(memory.metrics, heartbeats.length - 1)[GAUGE.quarantineUnshared] !== 1;

/** Whether every worker counts with the other instances: who asks meets any of them. */
function isCounting(): boolean {
  return heartbeats.every((_, other) => gaugesOf(memory.metrics, other)[GAUGE.countersDown] !== 1);
}

/** Where our own code broke: the stack's places, never values. */
function faultLine(requestId: string, error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  const stack =
    error instanceof Error
      ? (error.stack ?? '')
          .split('\n')
          .slice(1, 6)
          .map((line) => line.trim())
      : [];
  return `${JSON.stringify({ level: 'error', time: clock.nowMs(), event: 'fault', requestId, name, stack })}\n`;
}

const CODES: Record<BrokenHead, ReasonCode> = {
  malformed: 'invalid_request',
  doubtful: 'invalid_request',
  'too-large': 'headers_too_large',
  timeout: 'request_timeout',
  connect: 'not_implemented',
};

/** Loaded only where client certificates are asked for: it takes as long as half of the rest. */
const certificates =
  start.tls?.clientCaPem === undefined ? undefined : await import('../../adapters/tls/client-certificate.ts');

const server: PublicServer = createPublicServer(
  {
    tls: start.tls === undefined ? undefined : serverTlsOptions(start.tls, start.tls.ticketKeys, start.tls.clientCaPem),
    clientCertificateOf: certificates?.clientCertificateOf,
    get proxyProtocol() {
      return settings.config.listen.proxyProtocol;
    },
    get maxHeadBytes() {
      return settings.config.listen.maxHeadBytes;
    },
    get headMs() {
      return settings.config.listen.timeouts.headMs;
    },
    get bodyMs() {
      return settings.config.listen.timeouts.bodyMs;
    },
    get idleMs() {
      return settings.config.listen.timeouts.idleMs;
    },
    get writeMs() {
      return settings.config.listen.timeouts.writeMs;
    },
    get minBodyRate() {
      return settings.config.listen.minBodyRate;
    },
    openSocket: createSocketOpener(SOCKETS),
    budget: createBodyBudget(memory.bodies, () => settings.config.listen.maxBufferedBytes, row),
    clock,
  },
  {
    request(downstream) {
      beat();
      return front(downstream);
    },
    brokenHead(kind, target, peerAddress) {
      const code = CODES[kind];
      const [requestId, nowMs] = [randomUUID(), clock.nowMs()];
      observe(
        unreadExchange(requestId, nowMs, peerAddress),
        refusedAtOnce(code, kind === 'doubtful' ? FRAMING : undefined),
      );
      return brokenHeadResponse(code, {
        surface: surfaceOfTarget(target),
        requestId,
        isEncrypted: start.tls !== undefined,
        nowMs,
      });
    },
    connection(peerAddress) {
      beat();
      const { tls, trustedProxies, proxyProtocol } = settings.config.listen;
      // Behind proxies in the clear, or told by them who calls: nobody else may reach us around them.
      const isForProxies = proxyProtocol !== 'off' || (tls.mode === 'off' && trustedProxies.length > 0);
      if (isForProxies && !isTrustedProxy(peerAddress)) return undefined;
      const all = counters.acquire(allConnections, settings.config.listen.maxConnections, clock.monotonicMs());
      if (all === undefined) return undefined;
      const left = acquireOwn(peerAddress);
      if (left === undefined) {
        counters.giveBack(all);
        return undefined;
      }
      gauges[GAUGE.connections] = ++connections;
      return () => {
        gauges[GAUGE.connections] = --connections;
        counters.giveBack(all);
        left();
      };
    },
    client: acquireOwn,
  },
);
/** Counts a connection for its address, unless that is a proxy of many; undefined where it has too many. */
function acquireOwn(address: string): (() => void) | undefined {
  const perIp = settings.config.limits.perIp.connections;
  if (perIp === 'none' || isTrustedProxy(address)) return () => undefined;
  const own = counters.acquire(counters.keyOf(`connections:${countedNetwork(address)}`), perIp, clock.monotonicMs());
  return own === undefined ? undefined : () => counters.giveBack(own);
}

const allConnections = counters.keyOf('connections');

/**
 * Also for each connection and request: timers wait while the loop works off a burst of thousands of them, and a
 * worker that is only busy would be ended with all its streams.
 */
function beat(): void {
  // Monotonic, so that a clock that is set does not look like a stuck thread.
  Atomics.store(heartbeats, row, Math.floor(process.uptime() * 1000));
}

setInterval(() => {
  beat();
  // Also where nobody asks for anything: all threads see at the same time that the clock was set.
  wall.nowMs(clock.monotonicMs());
  gauges[GAUGE.openStreams] = running.count();
  gauges[GAUGE.droppedLines] = lines.dropped();
  gauges[GAUGE.counterFailures] = callers.failures();
}, BEAT_MS);

setInterval(handOverLines, HAND_OVER_MS);
setInterval(handOverRepeats, 60_000);
setInterval(handOverUsage, HAND_OVER_USAGE_MS);
// Each note of a last use is a commit of the store: not one for each request.
setInterval(handOverUses, HAND_OVER_USES_MS);

function handOverLines(): void {
  const taken = lines.take();
  if (taken !== undefined) port.postMessage({ kind: 'lines', lines: taken } satisfies FromWorker, [taken.buffer]);
}

function handOverUsage(): void {
  const rows = usage.take();
  if (rows.length > 0) send({ kind: 'usage', rows });
}

function handOverUses(): void {
  const used = tokenUses.take();
  if (used.length > 0) send({ kind: 'token-uses', uses: used });
  const permissions = permissionUses.take();
  if (permissions.length > 0) send({ kind: 'permission-uses', uses: permissions });
  if (uses.size === 0) return;
  send({ kind: 'uses', uses: [...uses].map(([id, atMs]) => ({ id, atMs })) });
  uses.clear();
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'delta': {
      if (message.seq !== seq + 1) return send({ kind: 'gap' });
      seq = message.seq;
      hasOAuth ||= message.changes.some(({ kind }) => kind === 'client' || kind === 'user');
      policies.apply(message.changes);
      for (const mark of [...credentials.apply(message.changes), ...revocations.apply(message.changes)]) {
        running.cutAll(mark, deny('revoked_credential'));
      }
      for (const mark of quarantines.apply(message.changes)) running.cutAll(mark, deny('quarantined'));
      return send({ kind: 'confirmed', seq });
    }
    case 'records':
      credentials = createCredentials(message.access);
      policies = createPolicies(message.access.policies);
      revocations = createRevocations(message.revocations);
      quarantines = createQuarantines(message.quarantines);
      seq = message.seq;
      for (const { id } of message.access.apiKeys) {
        if (!isUsable(credentials.find(id))) running.cutAll(`key:${id}`, deny('revoked_credential'));
      }
      for (const { id } of message.revocations) running.cutAll(id, deny('revoked_credential'));
      for (const { id, state } of message.quarantines) {
        if (state === 'held') running.cutAll(id, deny('quarantined'));
      }
      return send({ kind: 'confirmed', seq });
    case 'settings': {
      settings = message.settings;
      recordRules = recordRulesOf(settings.config);
      const old = plane;
      plane = createDataPlane(settings, planeDeps);
      front = createFrontOf(settings, plane);
      isTrustedProxy = addressMatcher(settings.config.listen.trustedProxies);
      noteOffences = offenceObserverOf(settings);
      old.close();
      seq = message.seq;
      return send({ kind: 'confirmed', seq });
    }
    case 'tls':
      return server.setSecureContext(serverTlsOptions(message.tls, message.tls.ticketKeys, message.tls.clientCaPem));
    case 'alpn':
      server.setAlpn(message.certificates);
      seq = message.seq;
      return send({ kind: 'confirmed', seq });
    case 'record-port':
      return records.setPort(recordPortOf(message.port), message.done);
    case 'upstreams':
      known = message.upstreams;
      return;
    case 'issuers':
      return issuers.apply(message.issuers);
    case 'issuer-asked':
      asked.get(message.issuer)?.();
      return void asked.delete(message.issuer);
    case 'granted':
      return line.granted(message.id, message.upstream, message.tenant);
    case 'refused':
      return line.refused(message.id, message.retryAfterMs);
    case 'list-running':
      return send({ kind: 'running', ask: message.ask, views: running.list() });
    case 'stop-running': {
      const { ask, requestId } = message;
      const views = running.list().filter((view) => view.requestId === requestId);
      const isFound = running.cutOne(requestId, deny('stopped'));
      return send({ kind: 'running', ask, views: isFound ? views : [] });
    }
    case 'drain':
      return void drain(message.graceMs);
  }
});

async function drain(graceMs: number): Promise<void> {
  isDraining = true;
  let farewell: Timer | undefined;
  const grace = clock.after(graceMs, () => {
    // Streams and sockets are told, not merely cut.
    running.cutEvery(deny('draining'));
    farewell = clock.after(FAREWELL_MS, () => server.destroy());
  });
  await server.drain();
  grace.cancel();
  farewell?.cancel();
  await callers.close();
  handOverLines();
  handOverRepeats();
  records.handOver();
  handOverUses();
  handOverUsage();
  send({ kind: 'drained' });
}

server.setAlpn(start.alpn);
await server.listen(start.host, start.port);
beat();
send({ kind: 'ready' });
