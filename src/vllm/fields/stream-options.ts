import { isJsonObject } from '../../kernel/json.ts';
import { Refusal, bool, invalid } from './check.ts';
import type { Check } from './check.ts';
import type { FieldSettings } from './field.ts';
import { memberPath } from './json-path.ts';

/** The check of `stream_options`: only `include_usage` goes on. */
export function streamOptionsCheck({ unknownFields }: FieldSettings): Check {
  return (value) => {
    if (!isJsonObject(value)) return invalid('Give an object such as {"include_usage":true}.');
    let includeUsage = false;
    for (const name in value) {
      const member = value[name];
      if (member === undefined || member === null) continue;
      if (name === 'include_usage') {
        const checked = bool(member);
        if (checked instanceof Refusal) return checked.within(name);
        includeUsage = member === true;
      } else if (name === 'continuous_usage_stats') {
        // Its default; true would put usage into every event, which costs and confuses who meters the stream.
        if (member !== false) return new Refusal('forbidden_field', name, 'This option is closed. Leave it out.');
      } else if (name !== 'include_obfuscation' && unknownFields === 'deny') {
        return new Refusal('unknown_field', memberPath('', name), 'This option is not known. Known is include_usage.');
      }
    }
    return { include_usage: includeUsage };
  };
}
