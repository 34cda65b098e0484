import * as z from 'zod';
import { choice } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { SCHEDULES } from '../review/config.ts';
import { operation, type Resource } from './operation.ts';

const severity = z.enum(['critical', 'high', 'medium', 'low', 'info']);

const finding = z.strictObject({
  id: z.string().describe('Of the check.'),
  severity,
  subject: z.string().describe('Whom it is about, such as api-keys/Ab12Cd.'),
  what: z.string(),
  evidence: z.array(z.string()),
  records: z.array(z.int()).describe('Sequence numbers of records of the audit log about it, the newest first.'),
  mend: z.string(),
  standard: z.string().describe('Where it is asked for.'),
  isNew: z.boolean().describe('Whether the review before had not found it.'),
});

/** What a review has come to. */
export const reviewShown = z.strictObject({
  id: z.string(),
  at: z.iso.datetime(),
  ok: z.boolean().describe('Nothing of severity high or critical was found.'),
  findings: z.array(finding),
  gone: z
    .array(z.strictObject({ id: z.string(), subject: z.string(), what: z.string() }))
    .describe('What the review before had found, and this one has not.'),
  previous: z.string().nullable(),
});

/** Those that are kept. */
export const reviewList = z.strictObject({ items: z.array(reviewShown), next: z.null() });
/** How often one is to run by itself. */
export const reviewEvery = z.strictObject({ every: choice(...SCHEDULES) });
/** How often one does. */
export const reviewSchedule = z.strictObject({
  every: choice(...SCHEDULES),
  isConfigured: z.boolean().describe('Whether reviews.schedule of the configuration says so.'),
});

const example: z.output<typeof reviewShown> = {
  id: 'r_20300101T000000_000Z',
  at: '2030-01-01T00:00:00.000Z',
  ok: true,
  findings: [
    {
      id: 'key-without-expiry',
      severity: 'medium',
      subject: 'api-keys/Ab12Cd',
      what: 'API key Ab12Cd (team-chat) never expires.',
      evidence: ['made on 2029-11-02, last used on 2029-12-31'],
      records: [41],
      mend: 'sallyport keys edit Ab12Cd --expires 90d',
      standard: 'NIST SP 800-57 part 1, 5.3 (cryptoperiods)',
      isNew: false,
    },
  ],
  gone: [],
  previous: null,
};

/** Reviews of configuration and use. */
export const reviews: Resource = {
  name: 'reviews',
  schemas: { Review: reviewShown, ReviewList: reviewList, ReviewEvery: reviewEvery, ReviewSchedule: reviewSchedule },
  operations: (deps) => [
    operation({
      id: 'listReviews',
      method: 'GET',
      path: '/reviews',
      scope: 'audit:read',
      summary: 'List the reviews that are kept, the newest first.',
      status: 200,
      response: reviewList,
      example: { items: [example], next: null },
      handle: () => ({ value: { items: deps.reviews.list().map(mutable), next: null } }),
    }),
    operation({
      id: 'runReview',
      method: 'POST',
      path: '/reviews',
      scope: 'admin:write',
      summary: 'Review the configuration and how it is used; what it comes to is in the audit log, too.',
      status: 201,
      response: reviewShown,
      example,
      async handle() {
        const made = await deps.reviews.run();
        return { value: mutable(made), location: `/reviews/${made.id}` };
      },
    }),
    operation({
      id: 'showReviewSchedule',
      method: 'GET',
      path: '/reviews/schedule',
      scope: 'admin:read',
      summary: 'Show how often a review runs by itself.',
      status: 200,
      response: reviewSchedule,
      example: { every: 'weekly', isConfigured: false },
      handle: () => ({ value: deps.reviews.schedule() }),
    }),
    operation({
      id: 'setReviewSchedule',
      method: 'POST',
      path: '/reviews/schedule',
      scope: 'admin:write',
      summary: 'Set how often a review runs by itself, where the configuration does not.',
      status: 200,
      body: reviewEvery,
      response: reviewSchedule,
      example: { every: 'weekly', isConfigured: false },
      handle({ body: { every }, actor }) {
        if (!deps.reviews.setSchedule(every)) {
          return deny('conflict', {
            message: 'reviews.schedule of the configuration says how often: change it there.',
          });
        }
        deps.logChange(actor, 'reviews.schedule', every);
        return { value: deps.reviews.schedule() };
      },
    }),
    operation({
      id: 'showReview',
      method: 'GET',
      path: '/reviews/{id}',
      scope: 'audit:read',
      summary: 'Show a review.',
      status: 200,
      response: reviewShown,
      example,
      handle({ id }) {
        const found = deps.reviews.find(id);
        return found === undefined ? deny('unknown_object') : { value: mutable(found) };
      },
    }),
  ],
};

type Found = ReturnType<Parameters<typeof reviews.operations>[0]['reviews']['list']>[number];

const mutable = ({ findings, gone, ...rest }: Found): z.input<typeof reviewShown> => ({
  ...rest,
  findings: findings.map((one) => ({ ...one, evidence: [...one.evidence], records: [...one.records] })),
  gone: [...gone],
});
