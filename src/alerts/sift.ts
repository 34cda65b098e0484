import type { Notice } from '../kernel/export.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { AuditRecord, ChangeRecord, HoldRecord } from '../kernel/record.ts';
import { alertOf, type Alert } from './alert.ts';
import { changeWordsOf } from './change-words.ts';
import { noticeWordsOf } from './notice-words.ts';
import { shellWord } from '../wire/shell-word.ts';
import { plainLine } from './plain.ts';

/** Finds what is an alert in what is recorded and noticed. */
export interface Sift {
  ofRecord(record: AuditRecord): Alert | undefined;
  ofNotice(notice: Notice): Alert | undefined;
}

/** Reasons that are remembered until the record of the hold comes. */
const MAX_WHYS = 256;

/**
 * The same thing is often both a record and a line of the log, and only one of them is taken: of findings the line, which
 * says whether the credential is held; of bans and holds the record, which says when they end. Of what is held the reason
 * comes with the line, so that it is kept for the record.
 */
export function createSift(): Sift {
  const whys = new Map<string, string>();

  function finding({ timeMs, subject, tenant, facts }: Notice): Alert | undefined {
    const [rule, why] = [textOf(facts, 'rule') || 'anomaly', textOf(facts, 'why')];
    const about = textOf(facts, 'subject') || subject;
    if (facts['held'] === true) {
      // The hold is what is told of.
      whys.delete(about);
      whys.set(about, why);
      for (const [first] of whys) if (whys.size > MAX_WHYS) whys.delete(first);
      return undefined;
    }
    return alertOf({
      ...{ timeMs, event: rule, severity: 'warning', subject: about, tenant, why },
      title: `Unusual: ${rule.replaceAll('-', ' ')}`,
      todo: incident,
    });
  }

  function hold(record: HoldRecord): Alert {
    const { timeMs, activity, subject, tenant, reason, untilMs } = record;
    const facts = { timeMs, subject, tenant };
    if (activity === 'quarantine' || activity === 'release') {
      const why = whys.get(subject);
      whys.delete(subject);
      return heldAlert({ ...facts, why: why === undefined ? reason : `${reason}: ${why}` }, activity === 'release');
    }
    const end = untilMs === undefined ? '' : ` until ${new Date(untilMs).toISOString()}`;
    return alertOf({
      ...{ ...facts, event: 'ban', severity: 'warning', why: `${reason}${end}`, isResolved: activity === 'lift' },
      title: activity === 'lift' ? 'The ban of an address is lifted' : 'An address is banned',
      todo: (shown) => [`sallyport incident ${shellWord(shown)}`, `sallyport bans lift ${shellWord(shown)}`],
    });
  }

  return {
    ofRecord(record) {
      switch (record.kind) {
        case 'hold':
          // The instance that has held it tells so. A release ends what was told, wherever it was done: else the next hold of the
          // credential would be taken for the one that goes on.
          return record.from === undefined || record.activity === 'release' ? hold(record) : undefined;
        case 'change':
          return changeAlert(record);
        case 'lifecycle':
          return record.activity === 'gap' ? gapAlert(record.timeMs, record.detail) : undefined;
        case 'token':
          // A refresh token that comes again is a finding of its own, which needs no second message.
          return undefined;
        default:
          return undefined;
      }
    },
    ofNotice(notice) {
      if (notice.event === 'anomaly') return finding(notice);
      if (notice.event === 'security') return security(notice);
      return notice.event === 'ban' ? undefined : noticeAlert(notice);
    },
  };
}

/** What the authorization server takes for an attack, but for that which the detector tells of. */
function security({ facts: { what, ...facts }, ...notice }: Notice): Alert | undefined {
  const event = typeof what === 'string' ? what : notice.event;
  return event === 'refresh_token_reused' ? undefined : noticeAlert({ ...notice, event, facts });
}

const incident = (subject: string): string[] => [
  `sallyport incident ${shellWord(subject)}`,
  ...(/^(?:key|subject|client|token|pair|grant|session):/.test(subject)
    ? [`sallyport quarantine hold ${shellWord(subject)}`]
    : []),
];

/** A credential is held, or free again. */
function heldAlert(facts: Pick<Alert, 'timeMs' | 'subject' | 'tenant' | 'why'>, isResolved: boolean): Alert {
  return alertOf({
    ...{ ...facts, event: 'quarantine', severity: 'critical', isResolved, isAlone: true },
    title: isResolved ? 'A credential is released' : 'A credential is held: all its requests are refused',
    todo: (shown) => [
      `sallyport incident ${shellWord(shown)}`,
      `sallyport quarantine release ${shellWord(shown)}`,
      ...(shown.startsWith('key:') ? [`sallyport keys rotate ${shellWord(shown.slice('key:'.length))}`] : []),
    ],
  });
}

function changeAlert(change: ChangeRecord): Alert | undefined {
  const { timeMs, resource, operation, id, actor, tenant } = change;
  if (resource === 'quarantine') {
    // What the gateway holds by itself has its own record.
    if (actor.id === 'gateway' || (operation !== 'hold' && operation !== 'release')) return undefined;
    return heldAlert({ timeMs, subject: id, tenant, why: `by ${actor.id}` }, operation === 'release');
  }
  const words = changeWordsOf(change);
  if (words === undefined) return undefined;
  return alertOf({
    ...{ timeMs, event: `${resource}.${operation}`, severity: words.severity, subject: `${resource}:${id}`, tenant },
    title: words.title,
    why: `by ${actor.id}${actor.address === undefined ? '' : ` from ${actor.address}`}`,
    todo: () => ['sallyport audit-log search --kind change', ...words.todo],
  });
}

const gapAlert = (timeMs: number, detail: JsonObject): Alert =>
  alertOf({
    ...{ timeMs, event: 'audit_log_gap', severity: 'critical', subject: 'gateway', tenant: undefined },
    title: 'Records are missing from the audit log',
    why: factsText(detail),
    todo: () => ['sallyport audit-log verify'],
  });

function noticeAlert({ timeMs, event, severity, subject, tenant, facts }: Notice): Alert {
  const { title, todo, ends } = noticeWordsOf(plainLine(event, 64));
  return alertOf({
    ...{ timeMs, event: ends ?? event, severity: ends === undefined ? severity : 'critical', subject, tenant },
    ...{ title, todo, why: factsText(facts), isResolved: ends !== undefined },
  });
}

const MAX_FACTS = 12;
const MAX_FACT = 200;

/** Facts as `why: no answer; onFailure: deny`. */
const factsText = (facts: JsonObject): string =>
  Object.entries(facts)
    .filter(([, value]) => typeof value !== 'object')
    .slice(0, MAX_FACTS)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value.slice(0, MAX_FACT) : JSON.stringify(value)}`)
    .join('; ');

function textOf(facts: JsonObject, name: string): string {
  const value = Object.hasOwn(facts, name) ? facts[name] : undefined;
  return typeof value === 'string' ? value : '';
}
