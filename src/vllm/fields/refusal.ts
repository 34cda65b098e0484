import type { ReasonCode } from '../../kernel/reasons.ts';
import { joinPath } from '../../wire/json-path.ts';

/** Why a field is refused. A class, so that it is told apart from every JSON value. */
export class Refusal {
  readonly code: ReasonCode;
  /** JSON path, relative to the value that was checked; empty for that value itself. */
  readonly path: string;
  /** What to do about it; never text of the body. */
  readonly message: string;

  constructor(code: ReasonCode, path: string, message: string) {
    this.code = code;
    this.path = path;
    this.message = message;
  }

  /** The same refusal as seen from the parent of the value: paths grow on the way back, so passing costs none. */
  within(parent: string): Refusal {
    return new Refusal(this.code, joinPath(parent, this.path), this.message);
  }
}

/** A value of the wrong type or form. */
export function invalid(message: string, path = ''): Refusal {
  return new Refusal('invalid_field', path, message);
}

/** A number outside its range, or too many of something. */
export function outOfRange(message: string, path = ''): Refusal {
  return new Refusal('value_out_of_range', path, message);
}
