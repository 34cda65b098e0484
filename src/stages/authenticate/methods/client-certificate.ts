import type { Credential } from '../../../directory/credentials.ts';
import type { Peer, Principal } from '../../../kernel/exchange.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import type { CertificateName, ClientCertificate } from '../../../kernel/transport.ts';
import { createKeyJudge, type KeyJudgeDeps } from './key-state.ts';

/** Which certificates stand for which API key. */
export interface CertificatePrincipal {
  /** A DNS name, URI or e-mail address of the certificate. */
  readonly san?: string | undefined;
  /** Its common name. */
  readonly subject?: string | undefined;
  /** Public id of the API key. */
  readonly key: string;
}

/** What a certificate stands for. */
export interface BoundKey {
  readonly keyId: string;
  /** The principal of the key, or why it may not be used. Asking counts as a use of the key. */
  principal(peer: Peer): Principal | Denial;
}

/** The API key of a verified certificate; undefined where none is named for it. */
export type CertificateMethod = (certificate: ClientCertificate) => BoundKey | Denial | undefined;

/** Authenticates by client certificate: the same principal as the API key that the configuration names for it. */
export function createCertificateMethod(
  principals: readonly CertificatePrincipal[],
  deps: KeyJudgeDeps & { readonly find: (id: string) => Credential | undefined },
): CertificateMethod {
  const judge = createKeyJudge(deps);
  return (certificate) => {
    const keyIds = new Set(principals.filter((one) => matches(one, certificate)).map(({ key }) => key));
    const [keyId] = keyIds;
    if (keyId === undefined) return undefined;
    // Which of two principals is meant would be a guess.
    if (keyIds.size > 1) return deny('ambiguous_credential');
    return {
      keyId,
      principal(peer) {
        const credential = deps.find(keyId);
        if (credential === undefined || credential.record.state === 'deleted') return deny('invalid_credential');
        return judge(credential, peer);
      },
    };
  };
}

function matches({ san, subject }: CertificatePrincipal, { commonName, names }: ClientCertificate): boolean {
  if (subject !== undefined) return commonName === subject;
  return san !== undefined && names.some((name) => name.kind === kindOf(san) && isSame(name, san));
}

/** A name of one kind is never taken for one of another: a CA may check them differently. */
function kindOf(san: string): CertificateName['kind'] {
  if (/^[a-z][a-z0-9+.-]*:/i.test(san)) return 'uri';
  return san.includes('@') ? 'email' : 'dns';
}

/** DNS names have no case (RFC 4343); all else is compared as it stands. */
function isSame({ kind, value }: CertificateName, san: string): boolean {
  return kind === 'dns' ? value.toLowerCase() === san.toLowerCase() : value === san;
}
