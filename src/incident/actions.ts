import { shellWord } from '../wire/shell-word.ts';
import type { IncidentEvent } from './event.ts';
import type { IncidentSubject } from './subject.ts';
import type { Seen } from './tally.ts';

/** Something to do now. */
export interface Action {
  readonly what: string;
  /** The line that does it. */
  readonly command: string;
}

/** What was seen. */
export interface SeenFacts {
  readonly requests: readonly IncidentEvent[];
  readonly events: readonly IncidentEvent[];
  readonly addresses: readonly Seen[];
}

/** What to do, in this order: stop it, keep the evidence, see what it has reached, mend. */
export function actionsOf(subject: IncidentSubject, credential: string | undefined, seen: SeenFacts): Action[] {
  const own = subject.kind === 'key' || subject.kind === 'credential' ? subject.id : credential;
  const key = subject.kind === 'key' ? subject.id : /^key:(.*)$/.exec(own ?? '')?.[1];
  return [
    ...(key === undefined ? [] : keyActions(key, seen)),
    ...(key === undefined && own !== undefined ? tokenActions(own) : []),
    ...(subject.kind === 'address' ? addressActions(subject.id, seen) : []),
    ...(subject.kind === 'tenant' ? tenantActions(subject.id) : []),
    ...evidenceActions(subject, key),
    ...changesBy(key, seen),
  ];
}

const keyActions = (key: string, { requests, addresses }: SeenFacts): Action[] => [
  { what: 'Stop it now, in a way that can be taken back', command: `sallyport quarantine hold ${key}` },
  { what: 'It was stolen: end it for good', command: `sallyport keys revoke ${key}` },
  { what: 'Its holder needs a new value', command: `sallyport keys rotate ${key}` },
  ...(addresses.length > 1 && requests.length > 0
    ? [
        {
          what: 'It belongs to known networks: let it in from there alone',
          command: `sallyport keys edit ${key} --allow-ip NETWORK`,
        },
      ]
    : []),
];

function tokenActions(credential: string): Action[] {
  const [, issuer, person] = /^subject:(\S+) (.+)$/s.exec(credential) ?? [];
  const grants = { what: 'See who has let it in', command: 'sallyport grants list' };
  if (issuer === undefined || person === undefined) {
    return [{ what: 'End this token', command: `sallyport tokens revoke --token ${shellWord(credential)}` }, grants];
  }
  const whose = `--issuer ${shellWord(issuer)} --subject ${shellWord(person)}`;
  return [
    { what: 'Stop all tokens of this subject', command: `sallyport quarantine hold ${shellWord(credential)}` },
    { what: 'End all tokens that it has now', command: `sallyport tokens revoke ${whose}` },
    grants,
  ];
}

const addressActions = (address: string, { requests }: SeenFacts): Action[] => [
  { what: 'Keep it out for a day', command: `sallyport bans add ${address} --for 24h` },
  ...[...new Set(requests.map(({ credential }) => credential))]
    .filter((credential) => credential !== undefined)
    .slice(0, 5)
    .map((credential) => ({
      what: `See what ${credential} did elsewhere`,
      command: `sallyport incident ${credential.replace(/^key:/, '')}`,
    })),
];

const tenantActions = (tenant: string): Action[] => [
  { what: 'See which of its credentials use most', command: `sallyport usage --tenant ${shellWord(tenant)}` },
  {
    what: 'Stop all of it, in a way that can be taken back',
    command: `sallyport tenants disable ${shellWord(tenant)}`,
  },
];

function evidenceActions({ kind, id }: IncidentSubject, key: string | undefined): Action[] {
  const byKind = {
    address: '--ip',
    tenant: '--tenant',
    request: '--request',
    key: '--request',
    credential: '--request',
  };
  const filter = key === undefined ? `${byKind[kind]} ${shellWord(id)}` : `--key ${key}`;
  return [
    { what: 'Show that the records are whole', command: 'sallyport audit-log verify' },
    ...(kind === 'credential'
      ? []
      : [{ what: 'Keep the evidence', command: `sallyport audit-log export ${filter} > evidence.jsonl` }]),
  ];
}

/** Who administers may have left a door open. */
function changesBy(key: string | undefined, { events }: SeenFacts): Action[] {
  const made = events.filter(({ kind, actor }) => kind === 'change' && key !== undefined && actor === `key:${key}`);
  return made.length === 0
    ? []
    : [
        {
          what: `It has changed ${made.length} things here: look at each of them`,
          command: `sallyport audit-log search --key ${key} --kind change`,
        },
      ];
}
