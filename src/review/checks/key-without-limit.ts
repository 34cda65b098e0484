import type { Check } from '../check.ts';

/** One caller without a limit takes the GPU from all others. */
export const keyWithoutLimit: Check = {
  id: 'key-without-limit',
  severity: 'medium',
  title: 'API key without any limit',
  standard: 'OWASP API4:2023 (unrestricted resource consumption), OWASP LLM10:2025',
  mend: 'sallyport keys edit ID --rpm 60, or set limits.default',
  run: ({ keys }) =>
    keys
      .filter(({ isLimited }) => !isLimited)
      .map(({ record }) => ({
        subject: `api-keys/${record.id}`,
        what: `API key ${record.id} (${record.name}) has no limit of requests, tokens or concurrency, neither its own nor its tenant's.`,
        evidence: ['no limit is in force for it'],
        mend: `sallyport keys edit ${record.id} --rpm 60`,
      })),
};
