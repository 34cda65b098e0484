import { ELSEWHERE, HOUR, SECOND, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story): void {
  story.days(10);
  story.pass(10 * HOUR);
}
const inTurn =
  (said: object) =>
  (i: number): object =>
    i % 2 === 0 ? said : {};

/** What `two-networks` must find and must not. */
export const samples: Samples = {
  rule: 'two-networks',
  fires: [
    {
      name: 'in turn from the office and from elsewhere with another client',
      tell(story) {
        learned(story);
        story.row(8, 30 * SECOND, inTurn({ network: ELSEWHERE, userAgent: 'curl/8.5.0' }));
      },
    },
    {
      name: 'in turn with the same client and many more requests',
      tell(story) {
        learned(story);
        story.row(40, 6 * SECOND, inTurn({ network: ELSEWHERE }));
      },
    },
  ],
  silent: [
    {
      name: 'two machines side by side for some minutes while a service moves',
      tell(story) {
        story.days(10, () => ({}));
        story.pass(10 * HOUR);
        story.row(2, 50 * SECOND, inTurn({ network: ELSEWHERE }));
        story.row(10, 6 * 60 * SECOND, () => ({ network: ELSEWHERE }));
      },
    },
    {
      name: 'two hosts of one network',
      tell(story) {
        learned(story);
        story.row(8, 30 * SECOND, inTurn({ network: '198.51.200.9', userAgent: 'curl/8.5.0' }));
      },
    },
    {
      name: 'IPv4 and IPv6 of one machine',
      tell(story) {
        learned(story);
        story.row(8, 30 * SECOND, inTurn({ network: '2001:db8:0:1::/64', userAgent: 'curl/8.5.0' }));
      },
    },
    {
      name: 'more than a minute apart',
      tell(story) {
        learned(story);
        story.row(8, 61 * SECOND, inTurn({ network: ELSEWHERE, userAgent: 'curl/8.5.0' }));
      },
    },
    {
      name: 'two networks that were always used in turn',
      tell(story) {
        story.days(10, inTurn({ network: ELSEWHERE }));
        story.pass(10 * HOUR);
        story.row(20, 20 * SECOND, inTurn({ network: ELSEWHERE, userAgent: 'curl/8.5.0' }));
      },
    },
  ],
};
