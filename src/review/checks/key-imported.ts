import { dayOf, type Check } from '../check.ts';

/** It was vLLM's own, or another program's: who knows it is not known here, and scanners for leaked keys do not know its form. */
export const keyImported: Check = {
  id: 'key-imported',
  severity: 'low',
  title: 'API key whose value was in use before',
  standard: 'CWE-324 (use of a key past its expiration), CWE-798',
  mend: 'sallyport keys rotate ID',
  run: ({ keys }) =>
    keys
      .filter(({ record }) => record.isImported)
      .map(({ record }) => ({
        subject: `api-keys/${record.id}`,
        what: `API key ${record.id} (${record.name}) still has a value that was in use before it came here.`,
        evidence: [`imported on ${dayOf(record.createdAtMs)}`],
        mend: `sallyport keys rotate ${record.id}`,
      })),
};
