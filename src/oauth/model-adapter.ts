import type { Adapter, AdapterPayload, errors as OidcErrors } from 'oidc-provider';
import type { ClientRecord, TenantRecord } from '../directory/records.ts';
import type { SealedPlace, Sealer } from '../kernel/sealer.ts';
import type { Artifact, ArtifactStore } from './artifacts.ts';
import { clientMetadata } from './client-metadata.ts';
import type { Digest } from './digest.ts';

/** What the library's models are kept with. */
export interface ModelAdapterDeps {
  readonly artifacts: ArtifactStore;
  readonly sealer: Sealer;
  readonly digest: Digest;
  readonly client: (id: string) => ClientRecord | undefined;
  readonly tenant: (id: string) => TenantRecord | undefined;
  readonly nowMs: () => number;
  readonly errors: typeof OidcErrors;
  /** Told that a grant is over; resolves once none of its tokens is accepted any more. */
  readonly onGrantRevoked: (grantId: string) => Promise<void>;
}

/** How long a refresh token that was used is answered as it was then: an honest client that asks twice is no thief. */
export const GRACE_MS = 10_000;

/** Another request has used this refresh token, moments ago. */
export const RACED = 'refresh token was used by another request';

/**
 * Keeps one of the library's models. Values are kept by their keyed hash and payloads encrypted; what may be used once is
 * claimed by one conditional write, for the library's own look-then-write lets parallel requests through.
 */
export function createModelAdapter(kind: string, deps: ModelAdapterDeps): Adapter {
  const { artifacts, sealer, digest, nowMs, errors } = deps;
  // Sealed with the same key whatever the tenant: codes and sessions come before anybody knows whose they are.
  const placeOf = (row: string): SealedPlace => ({ tenant: '', purpose: 'artifact', row: `${kind} ${row}` });

  async function payloadOf(found: Artifact | undefined, value?: string): Promise<AdapterPayload | undefined> {
    if (found === undefined) return undefined;
    if (found.expiresAtMs !== undefined && found.expiresAtMs <= nowMs()) return undefined;
    const payload = JSON.parse(await sealer.open(placeOf(found.id), found.payload)) as AdapterPayload;
    if (value !== undefined) payload.jti = value;
    if (found.consumedAtMs !== undefined && !isInGrace(found.consumedAtMs)) {
      payload.consumed = Math.floor(found.consumedAtMs / 1000);
    }
    return payload;
  }

  const isInGrace = (consumedAtMs: number): boolean => kind === 'RefreshToken' && nowMs() < consumedAtMs + GRACE_MS;

  return {
    async upsert(value, { ...payload }, expiresInS) {
      delete payload.jti;
      const id = digest(kind, value);
      const createdAtMs = nowMs();
      const { grantId, uid, userCode, accountId, clientId } = payload;
      const artifact: Artifact = {
        kind,
        id,
        // The value is what a caller sends: what is kept must not hold it. Found by another one, it is needed back.
        payload: await sealer.seal(
          placeOf(id),
          JSON.stringify(KEEPS_VALUE.has(kind) ? { ...payload, jti: value } : payload),
        ),
        grantId: grantId === undefined ? undefined : digest('Grant', grantId),
        uid: uid === undefined ? undefined : digest(`${kind} uid`, uid),
        userCode: userCode === undefined ? undefined : digest(`${kind} code`, userCode),
        account: accountId ?? signedInBy(payload),
        client: clientId,
        createdAtMs,
        consumedAtMs: undefined,
        expiresAtMs: expiresInS === undefined || expiresInS <= 0 ? undefined : createdAtMs + expiresInS * 1000,
      };
      if (kind !== 'ReplayDetection') return artifacts.put(artifact);
      // Two requests with one proof or assertion may both have looked before either wrote.
      if (!(await artifacts.putNew(artifact))) throw new errors.InvalidRequest('this jti was used before');
    },
    async find(value) {
      if (kind === 'Client') {
        const record = deps.client(value);
        // A client ends with its tenant, whoever it acts for: people of other tenants may use it.
        const isOver = record === undefined || deps.tenant(record.tenant)?.isDisabled !== false;
        return isOver ? undefined : clientMetadata(record);
      }
      return payloadOf(await artifacts.find(kind, digest(kind, value)), value);
    },
    async findByUid(uid) {
      return payloadOf(await artifacts.findBy(kind, 'uid', digest(`${kind} uid`, uid)));
    },
    async findByUserCode(code) {
      return payloadOf(await artifacts.findBy(kind, 'userCode', digest(`${kind} code`, code)));
    },
    async consume(value) {
      const id = digest(kind, value);
      if (await artifacts.consume(kind, id, nowMs())) return;
      const found = await artifacts.find(kind, id);
      if (kind === 'RefreshToken' && found?.consumedAtMs !== undefined && isInGrace(found.consumedAtMs)) {
        throw new errors.InvalidGrant(RACED);
      }
      // A code that is used twice may be a stolen one: what it has brought ends (RFC 6749 §4.1.2).
      const payload = await payloadOf(found, value);
      if (payload?.grantId !== undefined) await endGrant(payload.grantId);
      throw new errors.InvalidGrant('already used');
    },
    destroy: (value) => artifacts.remove(kind, digest(kind, value)),
    revokeByGrantId: endGrant,
  };

  async function endGrant(grantId: string): Promise<void> {
    await artifacts.removeGrant(digest('Grant', grantId));
    await deps.onGrantRevoked(grantId);
  }
}

/**
 * Who has signed in on a way through the pages that is not at its end yet. It ends with all that they are signed in with: else
 * whoever knew the old password could keep one ready, and make a session of it after the password was changed.
 */
function signedInBy({ result }: AdapterPayload): string | undefined {
  const { login } = (result ?? {}) as { readonly login?: { readonly accountId?: string } };
  return login?.accountId;
}

/** Models that are found by another value than their own; that one is no credential without a signed cookie beside it. */
const KEEPS_VALUE: ReadonlySet<string> = new Set(['Session', 'DeviceCode']);
