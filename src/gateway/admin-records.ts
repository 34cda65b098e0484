import type { AdminRequest } from '../admin/ports.ts';
import type { RequestRecord } from '../kernel/record.ts';
import { countedNetwork, plainAddress } from '../wire/address.ts';
import { printable, withoutSecrets } from '../wire/printable.ts';

/** What the audit log says of a request to the admin listener: whoever tries keys there is seen as on the public one. */
export function adminRecord(request: AdminRequest, nowMs: number): RequestRecord {
  const { requestId, method, path, status, denial, principal, startedAtMs } = request;
  const address = plainAddress(request.address);
  const token = principal?.token;
  return {
    ...{ kind: 'request', timeMs: nowMs, requestId, durationMs: nowMs - startedAtMs, firstByteMs: undefined },
    ...{ outcome: denial === undefined ? 'answer' : 'denial', status, code: denial?.code, why: denial?.why },
    ...{ address, network: countedNetwork(address), userAgent: undefined, isAdmin: true },
    ...{ keyId: principal?.keyId, issuer: token?.issuer, subject: token?.subject, clientId: token?.clientId },
    ...{ tokenHash: token?.tokenHash, tenant: principal?.tenant, owner: principal?.owner, member: undefined },
    ...{ method: printable(method, 16), route: undefined, path: withoutSecrets(printable(path, 256)) },
    ...{ model: undefined, upstream: undefined, isStream: false, logprobs: undefined, likeness: undefined },
    ...{ promptTokens: undefined, cachedTokens: undefined, completionTokens: undefined },
  };
}
