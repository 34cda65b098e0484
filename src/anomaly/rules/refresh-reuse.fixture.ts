import type { TokenRecord } from '../../kernel/record.ts';
import { ELSEWHERE, type Samples, type Story } from '../story.fixture.ts';

const token = (story: Story, activity: TokenRecord['activity']): TokenRecord => ({
  kind: 'token',
  timeMs: story.nowMs(),
  activity,
  grantType: 'refresh_token',
  clientId: 'editor',
  subject: 'ada',
  grantId: 'g1',
  tenant: 'team',
  scopes: ['models:read'],
  requestId: undefined,
  address: ELSEWHERE,
});

/** What `refresh-reuse` must find and must not. */
export const samples: Samples = {
  rule: 'refresh-reuse',
  fires: [
    {
      name: 'a refresh token that was used already',
      subject: 'client:editor',
      tell: (story) => story.hear(token(story, 'reuse')),
    },
  ],
  silent: [
    {
      name: 'refresh tokens used once, revoked and refused',
      tell(story) {
        for (const activity of ['issue', 'refresh', 'revoke', 'refuse'] as const) story.hear(token(story, activity));
      },
    },
  ],
};
