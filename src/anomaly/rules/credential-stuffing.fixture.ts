import { ELSEWHERE, OFFICE, SECOND, wrong, type Samples, type Story } from '../story.fixture.ts';

function signIn(story: Story, user: string, isGood = false): void {
  const who = { user, tenant: 'team', requestId: undefined, address: ELSEWHERE, method: 'password' };
  story.hear({ kind: 'sign-in', timeMs: story.nowMs(), isGood, ...who });
  story.pass(10 * SECOND);
}

/** What `credential-stuffing` must find and must not. */
export const samples: Samples = {
  rule: 'credential-stuffing',
  fires: [
    {
      name: '25 invalid keys in four minutes',
      subject: `network:${ELSEWHERE}`,
      tell: (story) => story.row(25, 10 * SECOND, () => wrong(ELSEWHERE)),
    },
    {
      name: 'passwords of seven people',
      subject: `network:${ELSEWHERE}`,
      tell(story) {
        for (let i = 0; i < 7; i++) signIn(story, `user-${i}`);
      },
    },
    {
      name: 'refused secrets of clients',
      subject: `network:${ELSEWHERE}`,
      tell(story) {
        const rest = { grantType: 'client_credentials', subject: undefined, grantId: undefined, tenant: undefined };
        for (let i = 0; i < 25; i++) {
          const what = { activity: 'refuse', clientId: 'nightly', scopes: [], requestId: undefined } as const;
          story.hear({ kind: 'token', timeMs: story.nowMs(), address: ELSEWHERE, ...rest, ...what });
          story.pass(5 * SECOND);
        }
      },
    },
  ],
  silent: [
    {
      name: 'fifteen invalid keys in five minutes',
      tell: (story) => story.row(15, 20 * SECOND, () => wrong(ELSEWHERE)),
    },
    {
      name: 'a program with an old key where others are let in',
      tell(story) {
        story.ask({ network: OFFICE });
        story.row(100, 3 * SECOND, () => wrong(OFFICE));
      },
    },
    {
      name: 'one person who has forgotten the password',
      tell(story) {
        for (let i = 0; i < 10; i++) signIn(story, 'ada');
      },
    },
    {
      name: 'keys that have ended',
      tell: (story) => story.row(100, 2 * SECOND, () => ({ ...wrong(ELSEWHERE), code: 'expired_credential' })),
    },
  ],
};
