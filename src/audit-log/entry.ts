import { isJsonObject, memberOf as at, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** What a record can be found by. */
export interface AuditEntry {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Id of the request that it is about. */
  readonly request: string | undefined;
  /** `key:Ab12Cd`, or the name of a token in records. */
  readonly credential: string | undefined;
  readonly tenant: string | undefined;
  /** Tenant of who did it, where that is told. */
  readonly actorTenant: string | undefined;
  /** Status, or code of the refusal. */
  readonly code: string | undefined;
  readonly model: string | undefined;
  /** The address, under its name. */
  readonly address: string | undefined;
  /** Who a token is of: `subject:ISSUER NAME`, the person under their name. */
  readonly person: string | undefined;
  /** What was changed, held or found: `api-keys/Ab12Cd`, `key:Ab12Cd`. */
  readonly object: string | undefined;
  readonly kind: AuditKind;
}

/** Kinds of records that are told apart, by the class of the event. */
export const AUDIT_KINDS = ['request', 'change', 'sign-in', 'lifecycle', 'finding', 'other'] as const;
/** One of them. */
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** What is looked for: all that is given has to hold. */
export interface AuditFilter {
  /** Milliseconds since the epoch; the end is not in it. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly request?: string | undefined;
  readonly credential?: string | undefined;
  readonly tenant?: string | undefined;
  readonly code?: string | undefined;
  readonly model?: string | undefined;
  /** What was changed, held or found: `api-keys/Ab12Cd`. */
  readonly object?: string | undefined;
  /** Names of the address, one of each tenant. */
  readonly addresses?: readonly string[] | undefined;
  /** Names of somebody whose tokens they are, one of each tenant: `subject:ISSUER NAME`. */
  readonly people?: readonly string[] | undefined;
  readonly kind?: AuditKind | undefined;
}

/** A question to the audit log. */
export interface AuditQuestion extends Omit<AuditFilter, 'addresses' | 'people'> {
  /** An address in the clear. */
  readonly address?: string | undefined;
  /** Records at most. */
  readonly limit: number;
  /** Only those with smaller sequence numbers; left out: from the newest on. */
  readonly before?: number | undefined;
}

/** What was found, the newest first. */
export interface AuditAnswer {
  /** Each the text of its line; people and addresses in the clear where their tenant's key is there. */
  readonly records: readonly string[];
  /** Sequence number to go on before; undefined where there is no more. */
  readonly next: number | undefined;
}

const KIND_OF: Readonly<Record<number, AuditKind>> = {
  6003: 'request',
  3004: 'change',
  3002: 'sign-in',
  6002: 'lifecycle',
  2004: 'finding',
};

/** Which kind a class of events is. */
export const kindOfClass = (classUid: number): AuditKind => KIND_OF[classUid] ?? 'other';

/** Reads a line of the log; undefined where it is no record. */
export const entryOf = (line: string): AuditEntry | undefined => entryIn(eventIn(line));

/** The same of the event that a line holds. */
export function entryIn(event: JsonObject | undefined): AuditEntry | undefined {
  const metadata = at(event, 'metadata');
  const sequence = at(metadata, 'sequence');
  const time = at(event, 'time');
  // Other numbers are in no record that was written, and a date or a column that cannot hold one would end every search.
  if (!isCount(sequence) || !isCount(time) || time > LAST_MS) return undefined;
  const text = (...path: readonly string[]): string | undefined => {
    const value = path.reduce<JsonValue | undefined>(at, event);
    return typeof value === 'string' ? value : undefined;
  };
  const entity = text('entity', 'type');
  const [issuer, user] = [text('actor', 'session', 'issuer'), text('actor', 'user', 'uid')];
  return {
    sequence,
    timeMs: time,
    request: text('metadata', 'uid') ?? text('unmapped', 'request'),
    credential: text('actor', 'user', 'credential_uid') ?? text('actor', 'user', 'uid'),
    tenant: text('unmapped', 'tenant'),
    actorTenant: text('actor', 'user', 'org', 'uid'),
    code: text('status_code') ?? text('status_detail'),
    model: text('ai_model', 'name'),
    address: text('src_endpoint', 'uid'),
    person: issuer === undefined || user === undefined ? undefined : `subject:${issuer} ${user}`,
    object: entity === undefined ? resourceOf(event) : `${entity}/${text('entity', 'uid') ?? ''}`,
    kind: kindOfClass(Number(at(event, 'class_uid'))),
  };
}

/** The last moment that a date can be (ECMA-262 §21.4.1.1). */
const LAST_MS = 8.64e15;

const isCount = (value: JsonValue | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function resourceOf(event: JsonObject | undefined): string | undefined {
  const resources = at(event, 'resources');
  const uid = Array.isArray(resources) ? at(resources[0], 'uid') : undefined;
  return typeof uid === 'string' ? uid : undefined;
}

/** The event of a line of the log; undefined where it is no JSON object. */
export function eventIn(line: string): JsonObject | undefined {
  // Not even tried: a file of empty lines would take hours.
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
