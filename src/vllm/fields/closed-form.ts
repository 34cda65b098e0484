import type { Check, DenyRow, Members } from './field.ts';
import { Refusal } from './refusal.ts';

/** A form of an object that nobody may send: its kind is refused, whatever else it holds. */
export interface ClosedForm {
  /** Which attack or harm it serves, or why vLLM has no use for it. */
  readonly why: string;
  /** Names of the members that vLLM's schemas know in it, apart by blanks. */
  readonly members?: string;
  /** What the refusal calls it. */
  readonly what?: string;
}

/** Refuses the kind at the member that tells it. */
export function closedForm({ why, members = '', what = 'kind' }: ClosedForm, discriminator = 'type'): Check {
  const row: DenyRow = { policy: 'deny', why };
  const names = [discriminator, ...members.split(' ').filter((name) => name !== '')];
  const rows: Members = Object.fromEntries(names.map((name) => [name, row]));
  const refusal = new Refusal('forbidden_field', discriminator, `This ${what} is closed at the gateway. Leave it out.`);
  return Object.assign(() => refusal, { rows });
}

/** The same form under several names. */
export const closedForms = (words: string, form: ClosedForm): Readonly<Record<string, Check>> =>
  Object.fromEntries(words.split(' ').map((word) => [word, closedForm(form)]));
