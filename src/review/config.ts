import { choice, group } from '../kernel/option.ts';

/** How often a review runs by itself. */
export const SCHEDULES = ['none', 'daily', 'weekly', 'monthly'] as const;
/** One of them. */
export type Schedule = (typeof SCHEDULES)[number];

/** Scheduled reviews. */
export const reviewsConfig = group({
  schedule: choice(...SCHEDULES)
    .prefault('none')
    .describe('How often configuration and use are reviewed; results: sallyport review --last, and in the audit log.'),
}).prefault({});
