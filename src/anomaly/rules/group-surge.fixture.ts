import { HOUR, SECOND, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story): void {
  story.days(8, () => ({ clientId: 'nightly' }));
  story.pass(10 * HOUR);
}
const many = (i: number) => ({ keyId: `Key${i % 40}`, promptTokens: 9_000 });

/** What `group-surge` must find and must not. */
export const samples: Samples = {
  rule: 'group-surge',
  fires: [
    {
      name: 'forty keys of a tenant together, none of which is known',
      subject: 'tenant:team',
      tell(story) {
        learned(story);
        story.row(160, SECOND, many);
      },
    },
    {
      name: 'a client whose tokens are used by forty people',
      subject: 'client:nightly',
      tell(story) {
        learned(story);
        story.row(160, SECOND, (i) => ({ ...many(i), clientId: 'nightly' }));
      },
    },
  ],
  silent: [
    {
      name: 'twenty of them',
      tell(story) {
        learned(story);
        story.row(20, SECOND, many);
      },
    },
  ],
};
