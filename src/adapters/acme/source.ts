import { isoSeconds } from '../../kernel/iso-time.ts';
import { createHash } from 'node:crypto';
import type { Timer } from '../../kernel/clock.ts';
import type { TlsConfig } from '../tls/config.ts';
import { openSelfSigned } from '../tls/ca-store.ts';
import type { TlsMaterial } from '../tls/material.ts';
import type { TlsSource, TlsSourceDeps } from '../tls/source.ts';
import { certificateId, namesOf } from './certificate-request.ts';
import type { Solver } from './challenges/solver.ts';
import { createAcmeClient, type AcmeClient, type RenewalWindow } from './client.ts';
import type { AcmeExchange } from './exchange.ts';
import { issueCertificate, NameProblem } from './issue.ts';
import { clockWords, failureWords, type Surroundings } from './mend.ts';
import { afterFailure, afterOrder, afterSuccess, orderAtMs, renewalAtMs } from './plan.ts';
import { AcmeProblem } from './problem.ts';
import { openAcmeState } from './state.ts';

/** What the source needs beside what every source of certificates does. */
export interface AcmeSourceDeps extends TlsSourceDeps {
  /** Names that are asked for. */
  readonly acmeNames: readonly string[];
  readonly exchange: AcmeExchange;
  readonly solver: Solver;
  /** Where a name leads by this machine's resolver; empty where nowhere. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly ownAddresses: readonly string[];
  /** Port of the public listener. */
  readonly port: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** What happens, a line each. */
  readonly onProgress: (what: string) => void;
}

/** A source that has to be told when the workers can answer challenges. */
export interface AcmeSource extends TlsSource {
  /** Begins to look after the certificate: once the listeners run. */
  start(): void;
  /** Resolves once nothing is under way. */
  idle(): Promise<void>;
}

/** How often the time of a renewal is looked at, at most. */
const LOOK_EVERY_MS = 3_600_000;
const MIN_LOOK_MS = 1_000;
/** RFC 9773 §4.3.2: whatever a CA says, not more often. */
const MIN_ASK_AGAIN_MS = 5 * 60_000;

/**
 * The certificate of a CA that speaks ACME. It starts at once with the stored one; where there is none, with one of the
 * state directory's own CA, so that the listener runs and can answer the CA's challenge.
 *
 * @throws TlsFileError where a file of the state directory is damaged or open to others
 */
export async function openAcmeSource({ acme }: Pick<TlsConfig, 'acme'>, deps: AcmeSourceDeps): Promise<AcmeSource> {
  const { clock, solver, acmeNames: names } = deps;
  const state = openAcmeState(deps.stateDir, acme.directory);
  const key = state.accountKey();
  const stopped = new AbortController();
  const stored = state.certificate(clock.nowMs());
  let current = stored !== undefined && covers(stored, names) ? stored : undefined;
  const placeholder = current ?? (await openSelfSigned(deps.stateDir, deps.names, clock.nowMs())).material;
  const client = createAcmeClient({
    directory: acme.directory,
    email: acme.email,
    key,
    exchange: deps.exchange,
    clock,
    signal: stopped.signal,
  });
  let window:
    | { readonly of: TlsMaterial; readonly value: RenewalWindow | undefined; readonly untilMs: number }
    | undefined;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let saidOfClock = false;
  let isStarted = false;

  /** When the next order is due by the certificate alone: at once where there is none of the CA's. */
  function dueAtMs(): number {
    if (current === undefined) return 0;
    return renewalAtMs(current, window?.of === current ? window.value : undefined, momentOf(current));
  }

  async function lookAtWindow(isAsked: boolean): Promise<void> {
    if (current === undefined) return;
    if (!isAsked && window?.of === current && clock.nowMs() < window.untilMs) return;
    const of = current;
    const id = certificateId(of.certPem);
    let value: RenewalWindow | undefined;
    try {
      value = id === undefined ? undefined : await client.renewalWindow(id);
    } catch {
      // A CA that cannot be asked now is asked again; until then what was known counts (RFC 9773 §4.3.3).
      value = window?.of === of ? window.value : undefined;
    }
    const askAgainMs = Math.max(value?.askAgainMs ?? LOOK_EVERY_MS, MIN_ASK_AGAIN_MS);
    window = { of, value, untilMs: clock.nowMs() + askAgainMs };
  }

  async function look(isAsked: boolean): Promise<void> {
    await lookAtWindow(isAsked);
    const attempts = state.attempts();
    const nowMs = clock.nowMs();
    if (dueAtMs() <= nowMs && orderAtMs(attempts, nowMs) <= nowMs) await order();
    else if (isAsked && current === undefined)
      deps.onProgress(`the CA is asked again ${when(orderAtMs(attempts, nowMs))}`);
  }

  async function order(): Promise<void> {
    const replaces = current === undefined || window?.value === undefined ? undefined : certificateId(current.certPem);
    state.keepAttempts(afterOrder(state.attempts(), clock.nowMs()));
    deps.onProgress(`a certificate for ${names.join(', ')} is asked for at ${acme.directory} (${acme.challenge})`);
    try {
      const material = await issueOnce(client, replaces);
      state.keepCertificate(material.certPem, material.keyPem);
      state.keepAttempts(afterSuccess(state.attempts()));
      current = material;
      if (stopped.signal.aborted) return;
      deps.onMaterial(material);
    } catch (error) {
      if (stopped.signal.aborted) return;
      const attempts = afterFailure(
        state.attempts(),
        {
          isRateLimited: error instanceof AcmeProblem && error.type === 'rateLimited',
          retryAfterMs: error instanceof AcmeProblem ? error.retryAfterMs : undefined,
        },
        deps.random(),
        clock.nowMs(),
      );
      state.keepAttempts(attempts);
      const served =
        current === undefined
          ? 'callers see the certificate of ca.pem'
          : `the old certificate serves until ${isoSeconds(current.notAfterMs)}`;
      const words = failureWords(error, await surroundings(error));
      deps.onProblem(
        `no certificate from the CA: ${words}. Next try ${when(orderAtMs(attempts, clock.nowMs()))}; ${served}`,
      );
    } finally {
      sayOfClock();
    }
  }

  /** Once more without `replaces` where the CA knows the old certificate otherwise (RFC 9773 §5). */
  async function issueOnce(asking: AcmeClient, replaces: string | undefined): Promise<TlsMaterial> {
    const issue = { client: asking, jwk: key.jwk, solver, kind: acme.challenge, clock, signal: stopped.signal };
    try {
      return await issueCertificate(names, replaces, issue);
    } catch (error) {
      const isOfReplaces = error instanceof AcmeProblem && /^(alreadyReplaced|malformed|notFound)$/.test(error.type);
      if (replaces === undefined || !isOfReplaces) throw error;
      state.keepAttempts(afterOrder(state.attempts(), clock.nowMs()));
      return issueCertificate(names, undefined, issue);
    }
  }

  async function surroundings(error: unknown): Promise<Surroundings> {
    const { challenge, httpPort } = acme;
    const resolved = error instanceof NameProblem ? await deps.resolve(error.failedName) : undefined;
    return { challenge, httpPort, port: deps.port, ownAddresses: deps.ownAddresses, resolved };
  }

  function sayOfClock(): void {
    const words = clockWords(client.clockAheadMs());
    if (words !== undefined && !saidOfClock) deps.onProblem(words);
    saidOfClock = words !== undefined;
  }

  /** One look after the other, never two at once. */
  function run(isAsked: boolean): void {
    if (stopped.signal.aborted || !isStarted) return;
    running ??= look(isAsked)
      // A full disk, a state directory that was taken away: said, and tried again.
      .catch((error: unknown) => deps.onProblem(wordsOf(error)))
      .finally(() => {
        running = undefined;
        schedule();
      });
  }

  function schedule(): void {
    timer?.cancel();
    if (stopped.signal.aborted) return;
    const nowMs = clock.nowMs();
    const nextMs = Math.min(Math.max(dueAtMs(), attemptsAtMs(nowMs)), window?.untilMs ?? Infinity) - nowMs;
    timer = clock.after(Math.min(Math.max(nextMs, MIN_LOOK_MS), LOOK_EVERY_MS), () => run(false));
  }

  function attemptsAtMs(nowMs: number): number {
    try {
      return orderAtMs(state.attempts(), nowMs);
    } catch {
      return nowMs + LOOK_EVERY_MS;
    }
  }

  const when = (atMs: number): string => `at ${isoSeconds(atMs)}`;

  return {
    material: placeholder,
    caFile: undefined,
    start() {
      isStarted = true;
      // Said at once, not only when the first renewal is due.
      solver.open().catch((error: unknown) => deps.onProblem(wordsOf(error)));
      run(true);
    },
    idle: () => running ?? Promise.resolve(),
    check: () => run(true),
    stop() {
      stopped.abort();
      timer?.cancel();
      solver.stop();
    },
  };
}

/** A number in [0, 1) that stays the same for a certificate, so that a restart does not draw again. */
function momentOf({ certPem }: TlsMaterial): number {
  return createHash('sha256').update(certPem).digest().readUInt32BE(0) / 2 ** 32;
}

/** Whether a certificate holds just the names that are asked for. */
function covers({ certPem }: TlsMaterial, names: readonly string[]): boolean {
  const held = new Set(namesOf(certPem));
  return held.size === names.length && names.every((name) => held.has(name));
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown failure');
