import { alike, HOUR, SECOND, unlike, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story, said: (i: number) => object = () => ({})): void {
  story.days(8, said);
  story.pass(10 * HOUR);
}
const same = { likeness: unlike(9), completionTokens: 1 };

/** What `cache-timing` must find and must not. */
export const samples: Samples = {
  rule: 'cache-timing',
  fires: [
    {
      name: 'one prompt again and again, one token each',
      tell(story) {
        learned(story);
        story.row(20, 12 * SECOND, () => same);
      },
    },
    {
      name: 'one prompt again and again, hung up at the first token',
      tell(story) {
        learned(story);
        story.row(20, 12 * SECOND, () => ({ ...same, outcome: 'abort', status: 499, completionTokens: undefined }));
      },
    },
  ],
  silent: [
    {
      name: 'a health check twice a minute',
      tell(story) {
        learned(story);
        story.row(120, 30 * SECOND, () => same);
      },
    },
    {
      name: 'a classifier: other prompts of one form, one token each',
      tell(story) {
        learned(story);
        story.row(100, 3 * SECOND, (i) => ({ likeness: alike(unlike(i), 2), completionTokens: 1 }));
      },
    },
    {
      name: 'one prompt again and again, with long answers',
      tell(story) {
        learned(story);
        story.row(60, 4 * SECOND, () => ({ ...same, completionTokens: 300 }));
      },
    },
  ],
};
