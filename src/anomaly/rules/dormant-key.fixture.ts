import { DAY, ELSEWHERE, HOUR, MINUTE, SECOND, type Samples } from '../story.fixture.ts';

const thief = { network: ELSEWHERE, userAgent: 'curl/8.5.0' };

/** What `dormant-key` must find and must not. */
export const samples: Samples = {
  rule: 'dormant-key',
  fires: [
    {
      name: 'after 20 days from a new network with a new client',
      tell(story) {
        story.days(5);
        story.pass(20 * DAY + 10 * HOUR);
        story.row(6, 30 * SECOND, () => thief);
      },
    },
    {
      name: 'after 20 days from a new network with a new client and more than ever',
      wish: 'hold',
      tell(story) {
        story.days(5);
        story.pass(20 * DAY + 10 * HOUR);
        story.row(40, 2 * SECOND, () => thief);
      },
    },
  ],
  silent: [
    {
      name: 'back from a holiday of 20 days',
      tell(story) {
        story.days(5);
        story.pass(20 * DAY);
        story.days(1);
      },
    },
    {
      name: 'back from 20 days, and working from home',
      tell(story) {
        story.days(5);
        story.pass(20 * DAY);
        story.days(1, () => ({ network: ELSEWHERE }));
      },
    },
    {
      name: 'after 13 days from a new network with a new client',
      tell(story) {
        story.days(5);
        story.pass(13 * DAY);
        story.row(6, 30 * SECOND, () => thief);
      },
    },
    {
      name: 'four requests are too few',
      tell(story) {
        story.days(5);
        story.pass(20 * DAY + 10 * HOUR);
        story.row(4, 30 * SECOND, () => thief);
      },
    },
    {
      name: 'a key that was never used before',
      tell(story) {
        story.pass(30 * DAY);
        story.row(40, MINUTE, () => thief);
      },
    },
    {
      name: 'a clock that was set three weeks ahead',
      tell(story) {
        story.days(5);
        story.hear({ kind: 'lifecycle', timeMs: story.nowMs() + 21 * DAY, activity: 'configure', detail: {} });
        const timeMs = story.nowMs() + 21 * DAY + HOUR;
        for (let i = 0; i < 10; i++) story.ask({ ...thief, timeMs: timeMs + i * SECOND });
      },
    },
  ],
};
