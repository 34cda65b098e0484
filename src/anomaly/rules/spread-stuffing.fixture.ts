import { SECOND, wrong, type Samples } from '../story.fixture.ts';

/** What `spread-stuffing` must find and must not. */
export const samples: Samples = {
  rule: 'spread-stuffing',
  fires: [
    {
      name: 'two invalid keys from each of thirty addresses',
      subject: 'network:any',
      tell: (story) => story.row(60, 3 * SECOND, (i) => wrong(`203.0.113.${i % 30}`)),
    },
    {
      name: 'the same after a program that has tried an old key all day',
      subject: 'network:any',
      tell(story) {
        story.row(20_000, 1.5 * SECOND, () => wrong('198.51.100.1'));
        story.row(60, 3 * SECOND, (i) => wrong(`203.0.113.${i % 30}`));
      },
    },
  ],
  silent: [
    {
      name: 'a hundred invalid keys from one address',
      tell: (story) => story.row(100, 2 * SECOND, () => wrong('203.0.113.1')),
    },
    {
      name: 'one invalid key from each of fifteen addresses',
      tell: (story) => story.row(15, 10 * SECOND, (i) => wrong(`203.0.113.${i}`)),
    },
  ],
};
