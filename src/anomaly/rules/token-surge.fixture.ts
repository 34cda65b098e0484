import { HOUR, SECOND, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story): void {
  story.days(8);
  story.pass(10 * HOUR);
}

/** What `token-surge` must find and must not. */
export const samples: Samples = {
  rule: 'token-surge',
  fires: [
    {
      name: '100,000 tokens in five minutes where 1,300 are usual',
      tell(story) {
        learned(story);
        story.row(20, 10 * SECOND, () => ({ promptTokens: 5_000, completionTokens: 1_000 }));
      },
    },
    {
      name: '200 small requests in five minutes',
      tell(story) {
        learned(story);
        story.row(200, SECOND, () => ({ promptTokens: 50, completionTokens: 5 }));
      },
    },
    {
      name: 'six prompts of 9,000 tokens where 1,200 was the largest',
      tell(story) {
        learned(story);
        story.row(6, 10 * SECOND, () => ({ promptTokens: 9_000 }));
      },
    },
  ],
  silent: [
    {
      name: 'a release that doubles the traffic',
      tell(story) {
        story.days(8, () => ({ promptTokens: 60_000 }));
        story.days(2, () => ({ promptTokens: 120_000 }));
      },
    },
    {
      name: 'three prompts of 9,000 tokens',
      tell(story) {
        learned(story);
        story.row(3, 10 * SECOND, () => ({ promptTokens: 9_000 }));
      },
    },
    {
      name: '120 small requests in five minutes',
      tell(story) {
        learned(story);
        story.row(120, 2 * SECOND, () => ({ promptTokens: 50, completionTokens: 5 }));
      },
    },
    {
      name: 'a new key that begins with a million tokens',
      tell(story) {
        story.row(50, SECOND, () => ({ promptTokens: 20_000 }));
      },
    },
  ],
};
