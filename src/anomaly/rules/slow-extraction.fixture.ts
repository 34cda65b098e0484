import { alike, HOUR, MINUTE, SECOND, unlike, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story): void {
  story.days(8);
  story.pass(10 * HOUR);
}
const template = (i: number) => ({ likeness: alike(unlike(77), 1 + (i % 200)) });

/** What `slow-extraction` must find and must not. */
export const samples: Samples = {
  rule: 'slow-extraction',
  fires: [
    {
      name: 'log probabilities that were never asked for, three a minute',
      tell(story) {
        learned(story);
        story.row(15, 20 * SECOND, () => ({ logprobs: 5 }));
      },
    },
    {
      name: 'log probabilities, one a minute for an hour',
      tell(story) {
        learned(story);
        story.row(60, MINUTE, () => ({ logprobs: 5 }));
      },
    },
    {
      name: 'one prompt with small changes, three a minute',
      tell(story) {
        learned(story);
        story.row(18, 18 * SECOND, template);
      },
    },
  ],
  silent: [
    {
      name: 'a batch that always has one template',
      tell(story) {
        for (let day = 0; day < 10; day++) {
          story.row(100, 20 * SECOND, template);
          story.pass(20 * HOUR);
        }
        story.row(150, 15 * SECOND, template);
      },
    },
    {
      name: 'a caller who always asks for log probabilities',
      tell(story) {
        story.days(8, () => ({ logprobs: 1 }));
        story.row(3, 20 * SECOND, () => ({ logprobs: 1 }));
      },
    },
    {
      name: 'different prompts, many of them',
      tell(story) {
        learned(story);
        story.row(200, 4 * SECOND);
      },
    },
    {
      name: 'nine prompts with small changes',
      tell(story) {
        learned(story);
        story.row(9, 30 * SECOND, template);
      },
    },
  ],
};
