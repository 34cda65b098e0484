import * as z from 'zod';
import { deny } from '../kernel/reasons.ts';
import { isAddress } from '../wire/address.ts';
import { operation, type Resource } from './operation.ts';
import { MAX_BODY_BYTES } from './request-body.ts';

const stageShown = z.strictObject({
  stage: z.string(),
  decision: z.enum(['allow', 'deny']),
  status: z.int().optional(),
  code: z.string().optional(),
  param: z.string().nullable().optional(),
  message: z.string().optional(),
});
const fieldShown = z.strictObject({
  name: z.string(),
  policy: z.enum(['pass', 'drop', 'overwrite', 'deny', 'unknown']),
  isSent: z.boolean().describe('It is in the body that would go upstream.'),
  why: z.string().nullable(),
  grant: z.string().nullable().describe('What would open it.'),
});

/** What each stage would decide. */
export const explanation = z.strictObject({
  stages: z.array(stageShown),
  fields: z.array(fieldShown),
  sent: z
    .strictObject({ adjusted: z.array(z.string()), body: z.looseObject({}) })
    .nullable()
    .describe('The body that would go upstream; null where it was refused before.'),
});

/** A request that is not sent. */
export const explainQuestion = z.strictObject({
  key: z.string().describe('Id of the API key that would send it.'),
  method: z.string().prefault('POST'),
  path: z.string().prefault('/v1/chat/completions'),
  address: z
    .string()
    // Else it would be in no network, and a request be allowed that can come from nowhere.
    .refine(isAddress, { error: 'Give an IP address, such as 127.0.0.1 or 2001:db8::1.' })
    .prefault('127.0.0.1')
    .describe('Address that it would come from.'),
  headers: z.record(z.string(), z.string()).prefault({}),
  body: z.string().prefault('').describe('The body as text.'),
});

/** A dry run of a request. */
export const explain: Resource = {
  name: 'explain',
  schemas: { Explanation: explanation, ExplainQuestion: explainQuestion },
  operations: (deps) => [
    operation({
      id: 'explain',
      method: 'POST',
      path: '/explain',
      scope: 'admin:read',
      summary: 'Say what each stage would decide on a request, without sending it or spending anything.',
      status: 200,
      body: explainQuestion,
      // In JSON a text is twice as long at most: of a body that is JSON itself every character may need an escape.
      maxBodyBytes: () => 2 * deps.maxExplainedBytes() + MAX_BODY_BYTES,
      response: explanation,
      example: {
        stages: [
          { stage: 'route', decision: 'allow' },
          {
            stage: 'validate',
            decision: 'deny',
            status: 400,
            code: 'forbidden_field',
            param: 'priority',
            message: 'This field of vLLM is closed at the gateway. Leave it out.',
          },
        ],
        fields: [{ name: 'priority', policy: 'deny', isSent: false, why: 'Jumps the queue.', grant: null }],
        sent: null,
      },
      async handle({ body }) {
        const found = await deps.explain(body);
        if (found === undefined) return deny('unknown_object', { param: 'key', message: 'There is no such API key.' });
        return { value: { stages: [...found.stages], fields: [...found.fields], sent: found.sent } };
      },
    }),
  ],
};
