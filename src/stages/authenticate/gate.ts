import type { Clock } from '../../kernel/clock.ts';
import type { Peer, Principal } from '../../kernel/exchange.ts';
import type { ClientCertificate } from '../../kernel/transport.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { LocalCounters } from '../../limits/counters.ts';
import { createFailures } from '../../limits/failures.ts';
import { presentedCredential } from '../../wire/bearer.ts';
import type { BoundKey, CertificateMethod } from './methods/client-certificate.ts';
import { isDenial, type Found, type Method, type Shown } from './methods/method.ts';

/** Options of authentication, already read from the configuration. */
export interface GateOptions {
  /** Invalid credentials that one address may send in a minute. */
  readonly failuresPerMinute: number | 'none';
  /** Whether a request needs a valid client certificate beside any other credential. */
  readonly isCertificateRequired?: boolean;
}

/** What authentication works with. */
export interface GateDeps {
  readonly methods: readonly Method[];
  readonly byCertificate?: CertificateMethod;
  readonly counters: LocalCounters;
  readonly clock: Clock;
  /** Told of each network from which a credential was let in: before what it is for, which may take long. */
  readonly onGood?: (network: string) => void;
  /** Whether a principal with these names is held until somebody has looked at it. */
  readonly isHeld?: (marks: readonly string[]) => boolean;
}

/** What a request shows of its caller. */
export interface CredentialAsk extends Omit<Shown, 'value' | 'scheme'> {
  readonly authorization: string | undefined;
  readonly xApiKey: string | undefined;
}

/** Finds the principal of a request, the same on every listener; a promise only where a method waits for others. */
export type Gate = (asked: CredentialAsk) => Principal | Denial | Promise<Principal | Denial>;

/** Tries each method in turn, and counts what none of them lets in. */
export function createGate(options: GateOptions, deps: GateDeps): Gate {
  const { methods, byCertificate = () => undefined, counters, clock, onGood, isHeld } = deps;
  const failures = createFailures(options.failuresPerMinute, counters, clock);

  /** Counts a failure; beyond the rate of its address it is refused with less said. A valid credential still passes. */
  function failed(peer: Peer, denial = deny('invalid_credential')): Denial | Promise<Denial> {
    const refused = failures.count(peer.network);
    const answer = (r: Awaited<typeof refused>) =>
      r === undefined
        ? denial
        : deny('too_many_failures', { retryAfterMs: r.retryAfterMs, why: denial.why ?? 'credential' });
    return refused instanceof Promise ? refused.then(answer) : answer(refused);
  }

  /** The key that the caller's certificate stands for. */
  function boundKey(certificate: ClientCertificate | undefined): BoundKey | Denial | undefined {
    if (certificate !== undefined) return byCertificate(certificate);
    return options.isCertificateRequired === true
      ? deny('missing_credential', { message: NEEDS_CERTIFICATE })
      : undefined;
  }

  /** Tries the methods from one on, until one knows the credential. */
  function found(shown: Shown, from: number): Found | Promise<Found> {
    for (let i = from; i < methods.length; i++) {
      const one = methods[i]?.(shown);
      if (one instanceof Promise) return one.then((later) => later ?? found(shown, i + 1));
      if (one !== undefined) return one;
    }
    return undefined;
  }

  /** What was found, and what it means beside a certificate that stands for a key. */
  function conclude(peer: Peer, bound: BoundKey | undefined, one: Found): Principal | Denial | Promise<Denial> {
    if (one === undefined) return failed(peer);
    if (isDenial(one)) {
      // A nonce that is wanted is no failure: nobody could have known it (RFC 9449 §8).
      const isGuess = one.code === 'invalid_credential' && one.dpop?.error !== 'use_dpop_nonce';
      return isGuess ? failed(peer, one) : one;
    }
    // Said only to who has shown both: which of the two principals counts would be a guess.
    if (bound !== undefined && bound.keyId !== one.keyId) return deny('ambiguous_credential');
    // Only to who has shown the right secret: nobody else learns that it is held.
    if (isHeld?.(one.marks) === true) return deny('quarantined', { whose: one });
    // Last: what is held is likely stolen, and would keep every ban from its thief's address.
    onGood?.(peer.network);
    return one;
  }

  return ({ authorization, xApiKey, ...asked }) => {
    // A connection may outlive the certificate that it began with; then it binds no token either.
    const isValid = asked.certificate !== undefined && clock.nowMs() < asked.certificate.notAfterMs;
    const rest = isValid ? asked : { ...asked, certificate: undefined };
    const bound = boundKey(rest.certificate);
    if (bound !== undefined && 'code' in bound) return bound;
    const presented = presentedCredential(authorization, xApiKey);
    switch (presented.kind) {
      case 'none':
        return bound === undefined
          ? deny('missing_credential')
          : conclude(rest.peer, bound, bound.principal(rest.peer));
      case 'ambiguous':
        return deny('ambiguous_credential');
      case 'malformed':
        return failed(rest.peer);
      case 'one': {
        const one = found({ ...rest, value: presented.value, scheme: presented.scheme }, 0);
        if (one instanceof Promise) return one.then((later) => conclude(rest.peer, bound, later));
        return conclude(rest.peer, bound, one);
      }
    }
  };
}

const NEEDS_CERTIFICATE = 'Present a client certificate that this gateway trusts; its operator issues them.';
