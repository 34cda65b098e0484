import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { digestOf, isSameDigest, parseApiKey } from '../../../directory/api-key.ts';
import type { Credential } from '../../../directory/credentials.ts';
import type { ApiKeyRecord } from '../../../directory/records.ts';
import type { Peer, Principal } from '../../../kernel/exchange.ts';
import { deny, type Denial } from '../../../kernel/reasons.ts';
import { createKeyJudge, type KeyJudgeDeps } from './key-state.ts';
import type { Method } from './method.ts';

/** What the method asks of its surroundings. */
export interface ApiKeyDeps extends KeyJudgeDeps {
  readonly find: (id: string) => Credential | undefined;
  /** The imported secret of a digest; left out, there are none. */
  readonly findImported?: (digest: Uint8Array) => Credential | undefined;
  /** Whether there is any: else a text of another form is not even digested. */
  readonly hasImported?: () => boolean;
  /** Key of the stored digests. */
  readonly hmacKey: Uint8Array;
}

/** Authenticates by API key. What it says of a key's state it says only after the secret was right. */
export function createApiKeyMethod(deps: ApiKeyDeps): Method {
  const { find, findImported, hasImported, hmacKey, clock } = deps;
  const noDigest = Buffer.alloc(32);
  /** Values whose secret was found right, by their hash; good only for the very record it was compared with. */
  const known = new LRUCache<string, Known>({ max: MAX_KNOWN });
  const judge = createKeyJudge(deps);

  return ({ value: text, scheme, peer }) => {
    // An API key is bound to no key: who sends it with a proof takes it for something else.
    if (scheme === 'dpop') return undefined;
    const isOurs = text.startsWith('sp_');
    if (!isOurs && hasImported?.() !== true) return undefined;
    const hashed = hash('sha256', text, 'base64');
    const before = known.get(hashed);
    if (before !== undefined) {
      const current = find(before.record.id);
      if (current?.record === before.record) return judged(current, before.isCurrent, peer);
    }
    const parsed = isOurs ? parseApiKey(text) : undefined;
    // A wrong checksum is answered without a look-up: noise must cost nothing.
    if (isOurs && parsed === undefined) return deny('invalid_credential');
    // The same work whether or not the id exists, else its time would tell which ids do.
    const digest = digestOf(text, hmacKey);
    const credential = parsed === undefined ? findImported?.(digest) : find(parsed.id);
    // Not ours at all: perhaps another method knows it.
    if (!isOurs && credential === undefined) return undefined;
    const record = credential?.record;
    const isCurrent = isSameDigest(digest, record?.digest ?? noDigest);
    const isPrevious = isSameDigest(digest, record?.previous?.digest ?? noDigest);
    if (credential === undefined || record === undefined || record.state === 'deleted')
      return deny('invalid_credential');
    if (!isCurrent && !isPrevious) return deny('invalid_credential');
    known.set(hashed, { record, isCurrent });
    return judged(credential, isCurrent, peer);
  };

  /** What the state of a key says once its secret was right. */
  function judged(credential: Credential, isCurrent: boolean, peer: Peer): Principal | Denial {
    const { principal: whose } = credential;
    const { state, previous } = credential.record;
    const isOver = !isCurrent && clock.nowMs() >= (previous?.untilMs ?? 0);
    if (isOver && state === 'active' && !credential.isTenantDisabled) return deny('expired_credential', { whose });
    return judge(credential, peer);
  }
}

interface Known {
  readonly record: ApiKeyRecord;
  /** The current value, not the one before the last rotation. */
  readonly isCurrent: boolean;
}

const MAX_KNOWN = 10_000;
