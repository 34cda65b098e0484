import { useOf, type Check } from '../check.ts';

/** Whoever has it administers from wherever they are, for as long as they like. */
export const adminKeyUnrestricted: Check = {
  id: 'admin-key-unrestricted',
  severity: 'high',
  title: 'Administrative API key without expiry or network',
  standard: 'NIST SP 800-53 AC-6 (least privilege)',
  mend: 'sallyport keys edit ID --expires 30d --allow-ip NETWORK',
  run: ({ keys }) =>
    keys.flatMap(({ record, scopes, lastUseMs }) => {
      if (!scopes.includes('admin:write')) return [];
      const missing = [
        ...(record.expiresAtMs === undefined ? ['an expiry'] : []),
        ...(record.allowIp.length === 0 ? ['networks from which it may be used'] : []),
      ];
      if (missing.length < 2) return [];
      return [
        {
          subject: `api-keys/${record.id}`,
          what: `API key ${record.id} (${record.name}) has admin:write, and neither ${missing.join(' nor ')}.`,
          evidence: [useOf(record.createdAtMs, lastUseMs)],
          mend: `sallyport keys edit ${record.id} --expires 30d --allow-ip NETWORK`,
        },
      ];
    }),
};
