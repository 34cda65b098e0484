import { plainLine } from './plain.ts';

/** How bad it is; the higher, the worse. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
/** One of them. */
export type Severity = (typeof SEVERITIES)[number];

/** Something that an operator is to know of. All its texts are single lines without anything that a reader acts on. */
export interface Alert {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** The rule that found it, or the event. */
  readonly event: string;
  readonly severity: Severity;
  /** Whom or what it is about: `key:Ab12Cd`, `issuer:URL`, `gateway`. */
  readonly subject: string;
  readonly tenant: string | undefined;
  readonly title: string;
  /** Why, in words and numbers. */
  readonly why: string;
  /** What to do now: commands to copy, or a sentence. */
  readonly todo: readonly string[];
  /** It is over. */
  readonly isResolved: boolean;
  /** The same for the same thing, which is told once. */
  readonly key: string;
  /** What is told of together. */
  readonly group: string;
}

/** What a message to a channel says. */
export interface AlertMessage {
  readonly kind: 'alerts' | 'left-out' | 'digest' | 'test' | 'owner';
  readonly timeMs: number;
  /** The same for all messages of a group. */
  readonly group: string;
  readonly event: string;
  readonly tenant: string | undefined;
  readonly severity: Severity;
  readonly title: string;
  /** How many alerts it stands for. */
  readonly count: number;
  /** Some of them, the first ones. */
  readonly alerts: readonly Alert[];
  /** More to say, line by line. */
  readonly lines: readonly string[];
  /** Nothing of the group is open any more. */
  readonly isResolved: boolean;
  /** Goes to this mail address alone. */
  readonly to?: string;
}

/** What an alert is made of, still as it came. */
export type AlertFacts = Omit<Alert, 'key' | 'group' | 'isResolved' | 'todo'> & {
  readonly isResolved?: boolean;
  /** Each subject is a group of its own: two that are held are two messages. */
  readonly isAlone?: boolean;
  /** Is told the subject as it will be shown; what else it puts into a line is plain already. */
  readonly todo: (subject: string) => readonly string[];
};

const MAX = { event: 64, subject: 200, tenant: 64, title: 160, why: 400, todo: 1_000 } as const;

/** Makes an alert of facts that may be anybody's text. */
export function alertOf(facts: AlertFacts): Alert {
  const event = plainLine(facts.event, MAX.event);
  const subject = plainLine(facts.subject, MAX.subject);
  const tenant = facts.tenant === undefined ? undefined : plainLine(facts.tenant, MAX.tenant);
  const { timeMs, severity, isResolved = false, isAlone = false } = facts;
  return {
    ...{ timeMs, event, severity, subject, tenant, isResolved },
    title: plainLine(facts.title, MAX.title),
    why: plainLine(facts.why, MAX.why),
    // Whole or not at all: a command that is cut may end within a quotation, and do something else.
    todo: isResolved ? [] : facts.todo(subject).filter((line) => line.length <= MAX.todo),
    key: JSON.stringify([event, subject, tenant ?? null]),
    group: JSON.stringify([event, tenant ?? null, ...(isAlone ? [subject] : [])]),
  };
}

/** How bad a severity is, from 0. */
export const rankOf = (severity: Severity): number => SEVERITIES.indexOf(severity);

/** The worse of two. */
export const worseOf = (one: Severity, other: Severity): Severity => (rankOf(one) >= rankOf(other) ? one : other);
