import type { Clock } from '../../kernel/clock.ts';
import { parseMaterial, type TlsMaterial } from '../tls/material.ts';
import { createCertificateRequest } from './certificate-request.ts';
import type { ChallengeAnswer, Solver } from './challenges/solver.ts';
import type { AcmeClient, Authorization, Challenge, ChallengeKind, Order } from './client.ts';
import { keyAuthorization, type AccountJwk } from './jws.ts';
import { AcmeProblem, AcmeUnreachable } from './problem.ts';

/** What an order needs. */
export interface IssueDeps {
  readonly client: AcmeClient;
  readonly jwk: AccountJwk;
  readonly solver: Solver;
  readonly kind: ChallengeKind;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A failure at one name, with the problem that the CA saw there. */
export class NameProblem extends AcmeProblem {
  readonly failedName: string;

  constructor(failedName: string, { type, detail, retryAfterMs }: AcmeProblem) {
    super(type, detail, retryAfterMs);
    this.failedName = failedName;
  }
}

/** How long a CA may take to look at the challenges, and to sign. */
const MAX_WAIT_MS = 5 * 60_000;

/**
 * Gets a certificate: order, challenges, finalisation, download (RFC 8555 §7.4, §7.5). Whatever happens, nothing stays
 * presented.
 *
 * @param replaces the identifier of the certificate before it
 * @throws AcmeProblem, AcmeUnreachable, SolverFault
 */
export async function issueCertificate(
  names: readonly string[],
  replaces: string | undefined,
  deps: IssueDeps,
): Promise<TlsMaterial> {
  const { client, solver, clock } = deps;
  const order = await client.newOrder(names, replaces);
  try {
    await provePossession(order, deps);
  } finally {
    await solver.withdraw();
  }
  const { der, keyPem } = await createCertificateRequest(names);
  const ready = await until(deps, () => client.order(order.url), isSettled);
  if (ready.status === 'invalid') throw ready.problem ?? invalid();
  await client.finalize(order, der);
  const done = await until(deps, () => client.order(order.url), isIssued);
  if (done.status !== 'valid' || done.certificate === undefined) throw done.problem ?? invalid();
  const certPem = await client.download(done.certificate);
  // Whatever the CA sent: served is only what fits the key that was made here.
  return parseMaterial(certPem, keyPem, clock.nowMs());
}

/** Answers the challenge of every name that is not proven yet, all at once, and waits for what the CA says. */
async function provePossession(order: Order, deps: IssueDeps): Promise<void> {
  const { client, solver, kind, jwk } = deps;
  const open: { readonly url: string; readonly answer: ChallengeAnswer; readonly challenge: Challenge }[] = [];
  for (const url of order.authorizations) {
    const authorization = await client.authorization(url, kind);
    if (authorization.status === 'valid') continue; // proven lately, the CA remembers
    const { name, challenge } = authorization;
    if (challenge === undefined) throw new NameProblem(name, notOffered(kind));
    const { token } = challenge;
    open.push({ url, challenge, answer: { name, token, keyAuthorization: keyAuthorization(token, jwk) } });
  }
  await solver.present(open.map(({ answer }) => answer));
  for (const { challenge } of open) await client.respond(challenge);
  for (const { url } of open) {
    const judged = await until(deps, () => client.authorization(url, kind), isJudged);
    if (judged.status !== 'valid') throw new NameProblem(judged.name, judged.problem ?? invalid());
  }
}

const isJudged = ({ status }: Authorization): boolean => status !== 'pending';
const isSettled = ({ status }: Order): boolean => status !== 'pending';
const isIssued = ({ status }: Order): boolean => status !== 'processing' && status !== 'ready';

const invalid = (): AcmeProblem => new AcmeProblem('other', 'the CA gave no reason', undefined);

const notOffered = (kind: ChallengeKind): AcmeProblem =>
  new AcmeProblem('other', `the CA offers no ${kind} for it: choose another listen.tls.acme.challenge`, undefined);

/** Asks again until it is so, as often as the CA wants to be asked. */
async function until<T extends { readonly waitMs: number }>(
  { clock, signal }: IssueDeps,
  ask: () => Promise<T>,
  isDone: (value: T) => boolean,
): Promise<T> {
  const endMs = clock.monotonicMs() + MAX_WAIT_MS;
  for (;;) {
    const value = await ask();
    if (isDone(value)) return value;
    if (clock.monotonicMs() >= endMs) throw new AcmeUnreachable('the CA did not come to an end within 5 minutes');
    await pause(clock, value.waitMs, signal);
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    const abort = (): void => {
      timer.cancel();
      reject(new AcmeUnreachable('the gateway stops'));
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
