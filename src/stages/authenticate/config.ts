import type * as z from 'zod';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import { flag, group, laterList, list, text } from '../../kernel/option.ts';

/** A certificate by one of its names, and the API key that it stands for. */
const principal = group({
  san: text(
    'Give a DNS name, URI or e-mail address of the certificate, such as agent.example.org or spiffe://org/agent.',
  )
    .optional()
    .describe('Subject alternative name of the certificate.'),
  subject: text('Give the common name of the certificate.').optional().describe('Common name of its subject.'),
  key: text('Give the id of an API key, as keys list shows it.', (value) => /^[A-Za-z0-9]{6}$/.test(value)).describe(
    'Id of the API key that the certificate stands for.',
  ),
}).refine(({ san, subject }) => (san === undefined) !== (subject === undefined), {
  error: 'Give either san or subject.',
});

/** The methods by which a caller may show who it is. */
export const authenticationConfig = group({
  apiKeys: group({ enabled: flag().prefault(true).describe('Whether API keys are accepted.') }).prefault({}),
  issuers: laterList(),
  mtls: group({
    required: flag()
      .prefault(false)
      .describe('Whether every request needs a valid client certificate, whatever other credential it has.'),
    principals: list(principal).prefault([]).describe('Certificates that stand for an API key without its value.'),
  }).prefault({}),
}).prefault({});

/** The methods as they come out. */
export type AuthenticationConfig = DeepReadonly<z.output<typeof authenticationConfig>>;
