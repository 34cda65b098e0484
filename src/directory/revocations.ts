import { hash } from 'node:crypto';
import type { TokenFacts } from '../kernel/exchange.ts';
import type { RecordChange, RevocationRecord } from './records.ts';
import type { DirectoryState } from './state.ts';

/** What of an issuer can be revoked. */
export type MarkKind = 'token' | 'client' | 'subject' | 'pair' | 'grant' | 'session' | 'group';

/** The name under which something of an issuer is revoked. Issuers hold no spaces, so no two things have one name. */
export const markOf = (kind: MarkKind, issuer: string, id: string): string => `${kind}:${issuer} ${id}`;

/** Names a token in records without being it, or helping to guess it: 22 characters of base64url. */
export const tokenHashOf = (issuer: string, jti: string): string =>
  hash('sha256', `${issuer} ${jti}`, 'base64url').slice(0, 22);

/** Stands for our own authorization server in these names: commands revoke without knowing under which URL it is reached. */
export const OWN_ISSUER = 'own';

/**
 * Every name under which a token can be revoked.
 *
 * @param issuer what its issuer is called in them
 * @param groups after which our own server has made it: it ends when they change
 */
export function marksOf(token: TokenFacts, tenant: string, issuer: string, groups: readonly string[]): string[] {
  const { tokenHash, subject, clientId, grantId, sessionId } = token;
  return [
    markOf('token', issuer, tokenHash),
    markOf('subject', issuer, subject),
    // Records know a token's issuer by its URL alone: what is found in them is held under this name.
    ...(issuer === token.issuer ? [] : [markOf('subject', token.issuer, subject)]),
    ...(clientId === undefined ? [] : [markOf('client', issuer, clientId)]),
    // Ids of our own hold no spaces, those of others may.
    ...(clientId === undefined || issuer !== OWN_ISSUER ? [] : [markOf('pair', issuer, `${clientId} ${subject}`)]),
    ...(grantId === undefined ? [] : [markOf('grant', issuer, grantId)]),
    ...(sessionId === undefined ? [] : [markOf('session', issuer, sessionId)]),
    ...groups.map((group) => markOf('group', issuer, group)),
    `tenant:${tenant}`,
  ];
}

/** What was revoked, as one thread knows it. */
export interface Revocations {
  /**
   * Whether a token with these names, issued then, was revoked. Without a time of issue every revocation counts.
   *
   * @param aheadMs how far the clock of its issuer may be ahead of ours, milliseconds
   */
  isRevoked(marks: readonly string[], issuedAtMs: number | undefined, aheadMs?: number): boolean;
  /** Applies changes in order; the names that were revoked. */
  apply(changes: readonly RecordChange[]): string[];
}

/** How far an issuer's clock is ahead of ours at least: a token from before a revocation must not look as if it came after it. */
const CLOCK_SKEW_MS = 5_000;

/** @param records the snapshot to start from */
export function createRevocations(records: readonly RevocationRecord[]): Revocations {
  const byMark = new Map(records.map((record) => [record.id, record]));
  return {
    isRevoked(marks, issuedAtMs, aheadMs = 0) {
      if (byMark.size === 0) return false;
      return marks.some((mark) => {
        const found = byMark.get(mark);
        if (found === undefined) return false;
        return (
          issuedAtMs === undefined || issuedAtMs <= found.atMs + (found.isExact ? 0 : Math.max(CLOCK_SKEW_MS, aheadMs))
        );
      });
    },
    apply(changes) {
      const ended: string[] = [];
      for (const change of changes) {
        if (change.kind !== 'revocation') continue;
        byMark.set(change.record.id, change.record);
        ended.push(change.record.id);
      }
      return ended;
    },
  };
}

/** The change that revokes tokens by a name that they have in common. */
export function revocationChange(
  { revocations }: Pick<DirectoryState, 'revocations'>,
  mark: string,
  isExact: boolean,
  untilMs: number | undefined,
  nowMs: number,
): RecordChange {
  const expectedVersion = revocations.get(mark)?.version ?? 0;
  const record = { id: mark, atMs: nowMs, isExact, untilMs, version: expectedVersion + 1 };
  return { kind: 'revocation', record, expectedVersion };
}
