import type { Clock } from '../../kernel/clock.ts';
import type { Peer, Principal } from '../../kernel/exchange.ts';
import type { ClientCertificate } from '../../kernel/transport.ts';
import { deny, type Denial } from '../../kernel/reasons.ts';
import type { Stage } from '../../kernel/stage.ts';
import type { Counters } from '../../limits/counters.ts';
import { ratePerMinute } from '../../limits/gcra.ts';
import { presentedCredential } from '../../wire/bearer.ts';
import { createMembers } from './member.ts';
import type { BoundKey, CertificateMethod } from './methods/client-certificate.ts';
import type { Method } from './methods/method.ts';

/** Options of the stage, already read from the configuration. */
export interface AuthenticateOptions {
  /** Invalid credentials that one address may send in a minute. */
  readonly failuresPerMinute: number | 'none';
  /** Whether a request needs a valid client certificate beside any other credential. */
  readonly isCertificateRequired?: boolean;
}

/** Finds the principal behind the credential, or denies. Nothing below runs for an unknown caller. */
export function createAuthenticate(
  options: AuthenticateOptions,
  {
    methods,
    byCertificate = () => undefined,
    counters,
    clock,
  }: {
    methods: readonly Method[];
    byCertificate?: CertificateMethod;
    counters: Counters;
    clock: Clock;
  },
): Stage<'head' | 'peer', 'principal'> {
  const memberOf = createMembers();
  const failures = options.failuresPerMinute === 'none' ? undefined : ratePerMinute(options.failuresPerMinute);

  /** Counts a failure; beyond the rate of its address it is refused with less said. A valid credential still passes. */
  function failed(peer: Peer): Denial | Promise<Denial> {
    if (failures === undefined) return deny('invalid_credential');
    const counter = counters.keyOf(`failures:${peer.network}`);
    const result = counters.spend([{ kind: 'rate', name: 'failures', counter, rate: failures }], clock.nowMs());
    const answer = (r: Awaited<typeof result>) =>
      r.kind === 'refused' ? deny('too_many_failures', { retryAfterMs: r.retryAfterMs }) : deny('invalid_credential');
    return result instanceof Promise ? result.then(answer) : answer(result);
  }

  /** The key that the caller's certificate stands for. */
  function boundKey(certificate: ClientCertificate | undefined): BoundKey | Denial | undefined {
    // A connection may outlive the certificate that it began with.
    const isValid = certificate !== undefined && clock.nowMs() < certificate.notAfterMs;
    if (isValid) return byCertificate(certificate);
    return options.isCertificateRequired === true
      ? deny('missing_credential', { message: NEEDS_CERTIFICATE })
      : undefined;
  }

  return {
    name: 'authenticate',
    adds: ['principal'],
    decide(x) {
      const bound = boundKey(x.downstream.certificate);
      if (bound !== undefined && 'code' in bound) return bound;
      const presented = presentedCredential(x.head.headers.get('authorization'), x.head.headers.get('x-api-key'));
      switch (presented.kind) {
        case 'none': {
          if (bound === undefined) return deny('missing_credential');
          const found = bound.principal(x.peer);
          if (isDenial(found)) return found.code === 'invalid_credential' ? failed(x.peer) : found;
          x.principal = memberOf(found, x.head.headers);
          return undefined;
        }
        case 'ambiguous':
          return deny('ambiguous_credential');
        case 'malformed':
          return failed(x.peer);
        case 'one': {
          for (const method of methods) {
            const found = method(presented.value, x.peer);
            if (found === undefined) continue;
            if (isDenial(found)) return found.code === 'invalid_credential' ? failed(x.peer) : found;
            // Said only to who has shown both: which of the two principals counts would be a guess.
            if (bound !== undefined && bound.keyId !== found.keyId) return deny('ambiguous_credential');
            x.principal = memberOf(found, x.head.headers);
            return undefined;
          }
          return failed(x.peer);
        }
      }
    },
  };
}

const NEEDS_CERTIFICATE = 'Present a client certificate that this gateway trusts; its operator issues them.';

const isDenial = (found: Principal | Denial): found is Denial => 'code' in found;
