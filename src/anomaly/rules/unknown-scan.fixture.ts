import { ELSEWHERE, SECOND, type Samples } from '../story.fixture.ts';

const unknown = (path: string) => ({
  keyId: undefined,
  tenant: undefined,
  network: ELSEWHERE,
  code: 'missing_credential' as const,
  status: 401,
  route: undefined,
  path,
});

/** What `unknown-scan` must find and must not. */
export const samples: Samples = {
  rule: 'unknown-scan',
  fires: [
    {
      name: 'twelve paths without a credential',
      subject: `network:${ELSEWHERE}`,
      tell: (story) => story.row(12, 10 * SECOND, (i) => unknown(`/x/${i}`)),
    },
  ],
  silent: [
    {
      name: 'five paths without a credential',
      tell: (story) => story.row(50, 5 * SECOND, (i) => unknown(`/x/${i % 5}`)),
    },
    {
      name: 'twelve paths with a credential',
      tell: (story) =>
        story.row(12, 10 * SECOND, (i) => ({ code: 'unknown_route', status: 404, route: undefined, path: `/x/${i}` })),
    },
  ],
};
