import type { ValidationProblem } from './errors.ts';
import { isLaxObject, type LaxObject, type LaxValue } from './lax-json.ts';
import { pythonInput } from './python-text.ts';

/** Reads fields of a body as pydantic does in its lax mode, and collects what it finds wrong. */
export interface FieldReader {
  readonly problems: readonly ValidationProblem[];
  /** An integer; `"2"`, `2.0` and `true` are integers, too. Undefined where absent, null or wrong. */
  int(name: string): number | bigint | undefined;
  /** A number, which may be `NaN`; `"0.5"` is one, too. */
  float(name: string): number | undefined;
  /** A boolean; `1` and `"yes"` are, too. */
  bool(name: string): boolean | undefined;
  string(name: string): string | undefined;
  object(name: string): LaxObject | undefined;
  /** A list that must be there. */
  requiredList(name: string): readonly LaxValue[];
  /** Notes that a field must be there. */
  missing(name: string): void;
}

/** @param body the parsed body, which vLLM wants to be an object */
export function createFieldReader(body: LaxObject): FieldReader {
  const problems: ValidationProblem[] = [];
  const note = (name: string, type: string, msg: string): undefined => {
    problems.push({ type, loc: `body.${name}`, msg, input: pythonInput(body[name]) });
    return undefined;
  };
  const missing = (name: string): void => {
    problems.push({ type: 'missing', loc: `body.${name}`, msg: 'Field required', input: pythonInput(body) });
  };
  /** The value, or undefined where the field is absent or null, which is the same for an optional one. */
  const get = (name: string): LaxValue | undefined => body[name] ?? undefined;

  return {
    problems,
    missing,
    int(name) {
      const value = get(name);
      if (value === undefined || typeof value === 'bigint') return value;
      if (typeof value === 'boolean') return Number(value);
      if (typeof value === 'number') {
        if (Number.isInteger(value)) return value;
        if (!Number.isFinite(value)) return note(name, 'finite_number', 'Input should be a finite number');
        const msg = 'Input should be a valid integer, got a number with a fractional part';
        return note(name, 'int_from_float', msg);
      }
      if (typeof value !== 'string') return note(name, 'int_type', 'Input should be a valid integer');
      if (/^\s*[+-]?\d+(\.0*)?\s*$/.test(value)) return Number.parseInt(value, 10);
      return note(name, 'int_parsing', 'Input should be a valid integer, unable to parse string as an integer');
    },
    float(name) {
      const value = get(name);
      if (value === undefined || typeof value === 'number') return value;
      if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
      if (typeof value !== 'string') return note(name, 'float_type', 'Input should be a valid number');
      if (value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
      return note(name, 'float_parsing', 'Input should be a valid number, unable to parse string as a number');
    },
    bool(name) {
      const value = get(name);
      if (value === undefined || typeof value === 'boolean') return value;
      if (value === 0 || value === 1) return value === 1;
      if (typeof value === 'string' && TRUE.has(value.toLowerCase())) return true;
      if (typeof value === 'string' && FALSE.has(value.toLowerCase())) return false;
      if (typeof value === 'object') return note(name, 'bool_type', 'Input should be a valid boolean');
      return note(name, 'bool_parsing', 'Input should be a valid boolean, unable to interpret input');
    },
    string(name) {
      const value = get(name);
      if (value === undefined || typeof value === 'string') return value;
      return note(name, 'string_type', 'Input should be a valid string');
    },
    object(name) {
      const value = get(name);
      if (value === undefined || isLaxObject(value)) return value;
      return note(name, 'dict_type', 'Input should be a valid dictionary');
    },
    requiredList(name) {
      const value = body[name];
      if (Array.isArray(value)) return value;
      if (value === undefined) missing(name);
      else note(name, 'list_type', 'Input should be a valid list');
      return [];
    },
  };
}

const TRUE = new Set(['true', 't', '1', 'yes', 'y', 'on']);
const FALSE = new Set(['false', 'f', '0', 'no', 'n', 'off']);
