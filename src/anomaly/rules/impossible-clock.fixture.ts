import { DAY, HOUR, MINUTE, unlike, type Samples } from '../story.fixture.ts';

/** What `impossible-clock` must find and must not. */
export const samples: Samples = {
  rule: 'impossible-clock',
  fires: [
    {
      name: 'every hour for a day and a night by who rested fourteen hours each day',
      tell(story) {
        story.days(16);
        story.row(60, 30 * MINUTE);
      },
    },
  ],
  silent: [
    {
      name: 'a long day of sixteen hours',
      tell(story) {
        story.days(16);
        story.pass(6 * HOUR);
        story.row(32, 30 * MINUTE);
        story.pass(DAY);
        story.ask();
      },
    },
    {
      name: 'a service that never rests',
      tell: (story) => story.row(24 * 20, HOUR / 1.5),
    },
    {
      name: 'a health check that begins',
      tell(story) {
        story.days(16);
        story.row(24 * 60, MINUTE, () => ({ likeness: unlike(5), completionTokens: 1 }));
      },
    },
  ],
};
