import type { ReasonCode } from '../../kernel/reasons.ts';
import { HOUR, MINUTE, SECOND, type Samples, type Story } from '../story.fixture.ts';

function learned(story: Story): void {
  story.days(4);
  story.pass(10 * HOUR);
}
const refused = (code: ReasonCode) => ({ code, status: 400, outcome: 'denial' as const });
const FIELDS = ['forbidden_field', 'unknown_field', 'value_out_of_range', 'model_not_allowed'] as const;

/** What `probing` must find and must not. */
export const samples: Samples = {
  rule: 'probing',
  fires: [
    {
      name: 'twelve fields and models of four kinds',
      tell(story) {
        learned(story);
        story.row(12, 10 * SECOND, (i) => refused(FIELDS[i % 4] ?? 'unknown_field'));
      },
    },
    {
      name: 'six prompts refused by guards',
      tell(story) {
        learned(story);
        story.row(6, 20 * SECOND, () => refused('prompt_denied'));
      },
    },
  ],
  silent: [
    {
      name: 'a client with one field too many, for an hour',
      tell(story) {
        learned(story);
        story.row(200, 20 * SECOND, () => refused('unknown_field'));
      },
    },
    {
      name: 'five prompts refused by guards',
      tell(story) {
        learned(story);
        story.row(5, 20 * SECOND, () => refused('prompt_denied'));
      },
    },
    {
      name: 'a document in twenty that a guard refuses',
      tell(story) {
        learned(story);
        story.row(400, SECOND, (i) => (i % 20 === 0 ? refused('prompt_denied') : {}));
      },
    },
    {
      name: 'what happens to honest clients',
      tell(story) {
        learned(story);
        const codes = ['rate_limited', 'context_length_exceeded', 'overloaded', 'upstream_error'] as const;
        story.row(60, 5 * SECOND, (i) => refused(codes[i % 4] ?? 'overloaded'));
      },
    },
    {
      name: 'refusals of four kinds, one every ten minutes',
      tell(story) {
        learned(story);
        story.row(30, 10 * MINUTE, (i) => refused(FIELDS[i % 4] ?? 'unknown_field'));
      },
    },
  ],
};
