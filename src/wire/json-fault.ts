import { indexPath, joinPath, memberPath } from './json-path.ts';
import { endOfString } from './json-text.ts';

/**
 * The JSON path of the value or name that covers a position of a JSON text; null where there is none.
 * For refusals only. The text must have been accepted by `JSON.parse`, its depth bounded.
 */
export function findPathAt(text: string, position: number): string | null {
  return new Walk(text, position).value() ?? null;
}

/** The JSON path of the first member whose name its object has already; null where there is none. As `findPathAt`. */
export function findDuplicateKey(text: string): string | null {
  return new Walk(text, Number.POSITIVE_INFINITY).value() ?? null;
}

/** Walks a valid JSON text up to a position or a duplicate name. Paths are built on the way back only. */
class Walk {
  readonly text: string;
  readonly position: number;
  at = 0;

  constructor(text: string, position: number) {
    this.text = text;
    this.position = position;
  }

  /** The path, relative to the value that begins here, of what is looked for; undefined where it is not in it. */
  value(): string | undefined {
    this.space();
    const first = this.text[this.at];
    if (first === '{') return this.object();
    if (first === '[') return this.array();
    this.at = first === '"' ? endOfString(this.text, this.at) : this.endOfLiteral();
    return this.isPast() ? '' : undefined;
  }

  object(): string | undefined {
    const names = new Set<string>();
    this.at++; // {
    for (this.space(); this.text[this.at] !== '}'; this.separator()) {
      const start = this.at;
      this.at = endOfString(this.text, start);
      const name = JSON.parse(this.text.slice(start, this.at)) as string; // a string token of a valid text
      const isDuplicate = this.position === Number.POSITIVE_INFINITY && names.has(name);
      if (isDuplicate || this.isPast()) return memberPath('', name);
      names.add(name);
      this.space();
      this.at++; // :
      const found = this.value();
      if (found !== undefined) return joinPath(memberPath('', name), found);
    }
    this.at++; // }
    return undefined;
  }

  array(): string | undefined {
    this.at++; // [
    this.space();
    for (let index = 0; this.text[this.at] !== ']'; index++) {
      const found = this.value();
      if (found !== undefined) return joinPath(indexPath('', index), found);
      this.separator();
    }
    this.at++; // ]
    return undefined;
  }

  separator(): void {
    this.space();
    if (this.text[this.at] === ',') this.at++;
    this.space();
  }

  space(): void {
    for (let unit = this.unit(); unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09; unit = this.unit()) {
      this.at++;
    }
  }

  /** Behind a number, `true`, `false` or `null`: letters, digits, signs and the dot. */
  endOfLiteral(): number {
    let end = this.at;
    for (let unit = this.unit(); unit > 0x20 && unit !== 0x2c && unit !== 0x5d && unit !== 0x7d;) {
      unit = this.text.charCodeAt(++end);
    }
    return end;
  }

  unit(): number {
    return this.text.charCodeAt(this.at);
  }

  isPast(): boolean {
    return this.at > this.position;
  }
}
