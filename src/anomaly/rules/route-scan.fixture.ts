import { MINUTE, SECOND, type Samples } from '../story.fixture.ts';

const closed = (path: string) => ({
  code: 'unknown_route' as const,
  status: 404,
  route: undefined,
  method: 'GET',
  path,
});

/** What `route-scan` must find and must not. */
export const samples: Samples = {
  rule: 'route-scan',
  fires: [
    {
      name: 'eight paths in two minutes',
      tell: (story) => story.row(8, 15 * SECOND, (i) => closed(`/admin/${i}`)),
    },
    {
      name: 'twenty paths in an hour and a half',
      tell: (story) => story.row(20, 5 * MINUTE, (i) => closed(`/admin/${i}`)),
    },
  ],
  silent: [
    {
      name: 'a front end that asks for four paths each time it starts',
      tell: (story) => story.row(40, 30 * SECOND, (i) => closed(`/api/${i % 4}`)),
    },
    {
      name: 'one wrong path, a thousand times',
      tell: (story) => story.row(1_000, SECOND, () => closed('/v1/chat/completion')),
    },
  ],
};
