import { DAY, ELSEWHERE, HOUR, MINUTE, OFFICE, SECOND, type Samples, type Story } from '../story.fixture.ts';

const thief = { network: ELSEWHERE, userAgent: 'python-requests/2.31' };
/** Ten days at the office, then Thursday at ten. */
function learned(story: Story): void {
  story.days(10);
  story.pass(10 * HOUR);
}

/** What `stolen-key` must find and must not. */
export const samples: Samples = {
  rule: 'stolen-key',
  fires: [
    {
      name: 'a new client on a new network with four times the requests',
      wish: 'hold',
      tell(story) {
        learned(story);
        story.row(30, 8 * SECOND, () => thief);
      },
    },
    {
      name: 'a new client on a new network while the owner works',
      tell(story) {
        learned(story);
        story.row(20, 40 * SECOND, (i) => (i % 2 === 0 ? thief : {}));
      },
    },
    {
      name: 'the same client on a new network with ten times the requests',
      tell(story) {
        learned(story);
        story.row(60, 4 * SECOND, () => ({ network: ELSEWHERE }));
      },
    },
    {
      name: 'a thief whose client has no name',
      wish: 'hold',
      tell(story) {
        learned(story);
        story.row(30, 8 * SECOND, () => ({ network: ELSEWHERE, userAgent: undefined }));
      },
    },
    {
      name: 'a thief who changes the network after every five requests',
      wish: 'hold',
      tell(story) {
        learned(story);
        story.row(240, 5 * SECOND, (i) => ({ ...thief, network: `${20 + Math.floor(i / 5)}.7.1.1` }));
      },
    },
    {
      name: 'a thief who changes network and client with every request',
      wish: 'hold',
      tell(story) {
        learned(story);
        story.row(200, 2 * SECOND, (i) => ({ network: `${20 + (i % 150)}.7.1.1`, userAgent: `agent${i}/1.0` }));
      },
    },
  ],
  silent: [
    {
      name: 'a traveller who comes through six networks in an hour, with the usual client and volume',
      tell(story) {
        learned(story);
        story.row(30, 2 * MINUTE, (i) => ({ network: `${40 + Math.floor(i / 5)}.7.1.1` }));
      },
    },
    {
      name: 'the office moves to a new network, with its usual client and volume',
      tell(story) {
        learned(story);
        story.row(60, 6 * MINUTE, () => ({ network: ELSEWHERE }));
      },
    },
    {
      name: 'a new client at the office, with four times the requests',
      tell(story) {
        learned(story);
        story.row(30, 8 * SECOND, () => ({ userAgent: 'zed/1.0' }));
      },
    },
    {
      name: 'a new release of the client on a new network',
      tell(story) {
        learned(story);
        story.row(20, 3 * MINUTE, () => ({ network: ELSEWHERE, userAgent: 'OpenAI/Python 2.0.0' }));
      },
    },
    {
      name: 'five requests from a new network with a new client are too few',
      tell(story) {
        learned(story);
        story.row(5, 8 * SECOND, () => thief);
      },
    },
    {
      name: 'a key of six days is not known well enough',
      tell(story) {
        story.days(6);
        story.pass(10 * HOUR);
        story.row(30, 8 * SECOND, () => thief);
      },
    },
    {
      name: 'a network that colleagues of the tenant have used for days',
      tell(story) {
        story.days(10);
        story.row(30, HOUR, () => ({ keyId: 'Cd34ef', network: ELSEWHERE }));
        story.pass(10 * HOUR);
        story.row(30, 8 * SECOND, () => thief);
      },
    },
    {
      name: 'who wrote the public id of the key into a request without its secret',
      tell(story) {
        learned(story);
        story.row(60, 4 * SECOND, () => ({ ...thief, code: 'invalid_credential', status: 401 }));
      },
    },
    {
      name: 'a key that has a new network nearly every day, with its usual client and volume',
      tell(story) {
        for (let day = 0; day < 12; day++) {
          story.pass(DAY - 10 * HOUR);
          story.row(20, 6 * MINUTE, () => ({ network: OFFICE }));
          story.row(20, 6 * MINUTE, () => ({ network: `203.${day}.1.1` }));
          story.pass(6 * HOUR);
        }
      },
    },
  ],
};
