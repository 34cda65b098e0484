import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { rmSync } from 'node:fs';
import type { StateDir } from '../adapters/files/state-dir.ts';
import type { LogOutput } from '../adapters/log/output.ts';
import type { Config } from '../config/schema.ts';
import type { PasswordHasher } from '../directory/password.ts';
import type { RecordChange } from '../directory/records.ts';
import { markOf, OWN_ISSUER, type Revocations, revocationChange } from '../directory/revocations.ts';
import type { TokenUse } from '../directory/token-uses.ts';
import { VersionConflict } from '../directory/store.ts';
import type { DirectoryState } from '../directory/state.ts';
import type { Clock } from '../kernel/clock.ts';
import type { KeyringControl } from '../kernel/keyring-control.ts';
import type { Sealer } from '../kernel/sealer.ts';
import type { LocalCounters } from '../limits/counters.ts';
import { createAccess, type Access } from '../oauth/access.ts';
import type { ArtifactStore } from '../oauth/artifacts.ts';
import { createAuthorizationServer, type AuthorizationServer } from '../oauth/authorization-server.ts';
import type { FederationOptions } from '../oauth/federation/openid-provider.ts';
import type { SigningKeys } from '../oauth/signing-keys.ts';
import { artifactDigest, openOAuthKeys } from './oauth-keys.ts';
import { createPeoplePages } from '../oauth/interactions/people.ts';
import type { OAuthLog } from '../oauth/log.ts';
import { createEntitlements } from '../oauth/entitlements.ts';
import { GRANT_DAYS } from '../oauth/provider.ts';
import { issuerSource } from './authentication.ts';
import { createProviderFetch } from './federation-fetch.ts';
import type { IssuerState } from './issuer-watch.ts';
import { listenUnix } from './unix-listener.ts';

/** What the authorization server of a gateway works with. */
export interface OAuthDeps {
  readonly config: () => Config;
  readonly publicUrl: string;
  readonly stateDir: StateDir;
  readonly artifacts: ArtifactStore;
  readonly keyring: Pick<KeyringControl, 'open'>;
  readonly directory: DirectoryState;
  readonly commit: (changes: readonly RecordChange[]) => Promise<unknown>;
  readonly revocations: () => Revocations;
  readonly tokenUses: () => readonly TokenUse[];
  readonly counters: LocalCounters;
  readonly hmacKey: Uint8Array;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: LogOutput;
  /** Told of all that it writes to the log, for the records. */
  readonly onEvent: OAuthLog['info'];
  /** Told that its keys have changed. */
  readonly onKeys: () => void;
}

/** The authorization server as the gateway runs it. */
export interface RunningOAuth {
  /** Its own keys as those of one more issuer; none until somebody needed them. */
  issuerState(): IssuerState;
  /** The same, once a worker has asked for keys that it does not know: made-up ones must not make it ask for each. */
  askedState(): Promise<IssuerState>;
  /** Makes ready what signs tokens. */
  open(): Promise<Opened>;
  /** Works with the signing keys as they are now. */
  rekey(): Promise<void>;
  /** Revokes tokens by a name of theirs, for as long as one of them may live. */
  revoke(mark: string): Promise<void>;
  stop(): Promise<void>;
}

/** What exists once it was needed. */
export interface Opened {
  readonly sealer: Sealer;
  readonly signingKeys: SigningKeys;
  readonly server: AuthorizationServer;
  readonly access: Access;
}

/** Requests to the authorization server that are under way at once. */
const MAX_CONNECTIONS = 512;
const SWEEP_EVERY_MS = 60_000;
/** Longest life of an access token, and what clocks and seconds cost on top. */
const MAX_TOKEN_MS = 3_600_000 + 60_000;

/** Listens on its socket; all behind it is loaded when the first request comes. */
export async function startOAuth(deps: OAuthDeps): Promise<RunningOAuth> {
  const { stateDir, clock, directory, artifacts, publicUrl } = deps;
  let opened: Promise<Opened> | undefined;
  let state: IssuerState = {
    issuer: publicUrl,
    jwks: undefined,
    goodUntilMs: Number.MAX_SAFE_INTEGER,
    nextAskMs: 0,
    introspectionEndpoint: undefined,
    why: undefined,
  };

  async function openAll(): Promise<Opened> {
    const { log, hmacKey, revocations, counters } = deps;
    const { sealer, signingKeys } = await openOAuthKeys(deps);
    const { accessTokenTtlMs, refreshTokenTtlMs } = deps.config().authorizationServer;
    const { failuresPerMinute } = deps.config().limits.perIp;
    const secret = (use: string) => createHmac('sha256', hmacKey).update(use).digest();
    const digest = artifactDigest(hmacKey);
    const access = createAccess({ artifacts, sealer, digest, nowMs: () => clock.nowMs(), revoke });
    const oauthLog: OAuthLog = {
      info(event, facts) {
        log.info(event, facts);
        deps.onEvent(event, facts);
      },
      security(what, facts) {
        log.warn('security', { what, ...facts });
        deps.onEvent(what, facts);
      },
    };
    const entitlements = createEntitlements(directory);
    const requireSecondFactor = () => deps.config().authorizationServer.requireSecondFactor;
    const pages = createPeoplePages({
      ...deps,
      federation: { options: createFederationOptions(deps.config), fetch: createProviderFetch(issuerSource()) },
      ...{
        access,
        sealer,
        digest,
        revoke,
        requireSecondFactor,
        failuresPerMinute,
        grantDays: GRANT_DAYS,
        log: oauthLog,
      },
      client: (id) => directory.clients.get(id),
      user: (id) => directory.users.get(id),
      entitlements,
    });
    const server = await createAuthorizationServer(
      { publicUrl, accessTokenTtlMs, refreshTokenTtlMs },
      {
        artifacts,
        sealer,
        digest,
        client: (id) => directory.clients.get(id),
        user: (id) => directory.users.get(id),
        tenant: (id) => directory.tenants.get(id),
        nowMs: () => clock.nowMs(),
        onGrantRevoked: (grantId) => revoke(markOf('grant', OWN_ISSUER, digest('Grant', grantId))),
        signingKeys,
        entitlements,
        secret: secret('oauth cookies'),
        randomBytes: deps.randomBytes,
        requireSecondFactor,
        hmacKey,
        clock,
        counters,
        failuresPerMinute,
        revocations,
        revoke,
        pages,
        log: oauthLog,
      },
    );
    state = { ...state, jwks: server.jwks() };
    deps.onKeys();
    return { sealer, signingKeys, server, access };
  }

  const revoke = createRevoke(deps, () => clock.nowMs() + MAX_TOKEN_MS);

  const open = (): Promise<Opened> => {
    opened ??= openAll().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  const server = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 10_000 }, (request, response) => {
    open().then(
      (all) => all.server.handle(request, response),
      (error: unknown) => {
        deps.log.error('oauth_fault', { why: error instanceof Error ? error.message : String(error) });
        response.writeHead(503, { 'content-type': 'application/json' });
        response.end('{"error":"temporarily_unavailable"}');
      },
    );
  });
  // More at once would only wait for each other in this thread; workers answer 503 to those.
  server.maxConnections = MAX_CONNECTIONS;
  await listenUnix(server, stateDir.oauthSocket);
  const sweep = setInterval(() => void artifacts.sweep(clock.nowMs()).catch(() => undefined), SWEEP_EVERY_MS).unref();

  return {
    issuerState: () => state,
    async askedState() {
      // Where nobody has got a token from us yet, nobody can have one of ours.
      if (directory.clients.size + directory.users.size > 0) await open();
      state = { ...state, nextAskMs: clock.nowMs() + 1_000 };
      return state;
    },
    open,
    async rekey() {
      const { server } = await open();
      state = { ...state, jwks: server.jwks() };
      // First who checks, then who signs: no token comes of a key that is not known yet.
      deps.onKeys();
      server.rekey();
    },
    revoke,
    async stop() {
      clearInterval(sweep);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      rmSync(stateDir.oauthSocket, { force: true });
    },
  };
}

/** The configured identity provider; the same object as long as the configuration is. */
function createFederationOptions(config: () => Config): () => FederationOptions | undefined {
  let of: Config | undefined;
  let made: FederationOptions | undefined;
  return () => {
    const now = config();
    if (now !== of) {
      const { issuer, clientId, clientSecret, groups } = now.authorizationServer.federation;
      const isWhole = issuer !== undefined && clientId !== undefined && clientSecret !== undefined;
      made = isWhole ? { issuer, clientId, clientSecret, groups } : undefined;
      of = now;
    }
    return made;
  };
}

/**
 * Revokes by a name. The end of a grant is told once for each kind of thing that came from it, all at once: those of one
 * name take turns, and all that wait share the next turn.
 */
function createRevoke(
  { commit, directory, clock }: Pick<OAuthDeps, 'commit' | 'directory' | 'clock'>,
  defaultUntilMs: () => number,
): (mark: string, untilMs?: number) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  async function once(mark: string, untilMs: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return void (await commit([revocationChange(directory, mark, true, untilMs, clock.nowMs())]));
      } catch (error) {
        // Somebody else has revoked it meanwhile; ours may be meant for tokens that are newer.
        if (!(error instanceof VersionConflict) || tries === 5) throw error;
      }
    }
  }

  function start(mark: string, untilMs: number): Promise<void> {
    const turn = once(mark, untilMs).finally(() => running.delete(mark));
    running.set(mark, turn);
    return turn;
  }

  return (mark, untilMs = defaultUntilMs()) => {
    const current = running.get(mark);
    if (current === undefined) return start(mark, untilMs);
    let next = waiting.get(mark);
    if (next === undefined) {
      next = current
        .catch(() => undefined)
        .then(() => {
          waiting.delete(mark);
          return start(mark, untilMs);
        });
      waiting.set(mark, next);
    }
    return next;
  };
}
