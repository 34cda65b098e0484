import { isAdmin, useOf, type Check } from '../check.ts';

/** A key that nobody ends works for whoever finds it, for ever. */
export const keyWithoutExpiry: Check = {
  id: 'key-without-expiry',
  severity: 'medium',
  title: 'API key without expiry',
  standard: 'NIST SP 800-57 part 1, 5.3 (cryptoperiods)',
  mend: 'sallyport keys edit ID --expires 90d',
  run: ({ keys }) =>
    keys
      .filter(({ record, scopes }) => record.expiresAtMs === undefined && !isAdmin(scopes))
      .map(({ record, lastUseMs }) => ({
        subject: `api-keys/${record.id}`,
        what: `API key ${record.id} (${record.name}) never expires.`,
        evidence: [useOf(record.createdAtMs, lastUseMs)],
        mend: `sallyport keys edit ${record.id} --expires 90d`,
      })),
};
