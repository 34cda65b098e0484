import { bool } from './check.ts';
import type { Check, Members } from './field.ts';
import { IGNORED_OF_OPENAI } from './ignored.ts';
import { objectOf } from './object.ts';

const members: Members = {
  include_usage: { policy: 'pass', type: bool },
  continuous_usage_stats: {
    policy: 'deny',
    vllmDefault: false,
    why: 'Puts usage into every event, which costs and confuses who meters the stream.',
  },
  include_obfuscation: IGNORED_OF_OPENAI,
};

/** What the caller wants to hear besides the text. */
export const streamOptionsCheck: Check = objectOf(members, 'Give an object such as {"include_usage":true}.');
