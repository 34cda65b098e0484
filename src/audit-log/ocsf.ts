import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type {
  AuditRecord,
  ChangeRecord,
  FindingRecord,
  HoldRecord,
  LifecycleRecord,
  RequestRecord,
  SignInRecord,
  TokenRecord,
} from '../kernel/record.ts';
import type { Names } from './names.ts';

/** Release of OCSF that the records follow. */
export const OCSF_VERSION = '1.8.0';

/** Where the requests of nobody belong, whose addresses have names all the same. */
export const NOBODY = '';

/** What an event of one class is. */
interface Event {
  readonly uid: string | undefined;
  readonly classUid: number;
  readonly activityId: number;
  readonly activity: string;
  /** 1 informational to 5 critical. */
  readonly severity: number;
  readonly isGood: boolean;
  readonly members: JsonObject;
  readonly profiles?: readonly string[];
}

/**
 * Writes records as events of OCSF, one JSON object in one line, `metadata` first. What names a person is a name that only
 * the tenant's key reads; of what was asked and answered it has keyed digests at most.
 *
 * @param product version of the gateway
 */
export function createOcsf(product: string, names: Names): (record: AuditRecord) => string {
  const writer: { readonly [Kind in AuditRecord['kind']]: (record: Extract<AuditRecord, { kind: Kind }>) => Event } = {
    request: (record) => requestEvent(record, names),
    change: (record) => changeEvent(record, names),
    'sign-in': (record) => signInEvent(record, names),
    token: (record) => tokenEvent(record, names),
    lifecycle: lifecycleEvent,
    hold: (record) => holdEvent(record, names),
    finding: (record) => findingEvent(record, names),
  };
  const common = { version: OCSF_VERSION, product: { name: 'sallyport', vendor_name: 'sallyport', version: product } };

  return (record) => {
    // The kinds of the table and of the record are the same: the compiler cannot follow that.
    const event = (writer[record.kind] as (record: AuditRecord) => Event)(record);
    const { uid, classUid, activityId, activity, severity, isGood, members, profiles } = event;
    return JSON.stringify({
      metadata: {
        ...common,
        ...(uid === undefined ? {} : { uid }),
        ...(profiles === undefined ? {} : { profiles }),
      },
      time: record.timeMs,
      category_uid: Math.floor(classUid / 1000),
      class_uid: classUid,
      activity_id: activityId,
      activity_name: activity,
      type_uid: classUid * 100 + activityId,
      severity_id: severity,
      status_id: isGood ? 1 : 2,
      ...members,
    });
  };
}

/** Members that have a value: OCSF knows no null. */
function present(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const kept: JsonObject = {};
  for (const name in members) {
    const value = members[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** API Activity. */
const REQUEST = 6003;
const READ = 2;
const OTHER = 99;

function requestEvent(record: RequestRecord, names: Names): Event {
  const tenant = record.tenant ?? NOBODY;
  const isBegin = record.outcome === 'begin';
  const isGood = isBegin || record.outcome === 'answer';
  return {
    uid: record.requestId,
    ...(record.model === undefined ? {} : { profiles: ['ai_operation'] }),
    classUid: REQUEST,
    activityId: record.method === 'GET' && !isBegin ? READ : OTHER,
    activity: ACTIVITY[record.outcome],
    severity: record.outcome === 'fault' ? 3 : record.outcome === 'denial' ? 2 : 1,
    isGood,
    members: present({
      status_code: record.code ?? (isBegin ? undefined : String(record.status)),
      status_detail: record.why,
      count: record.count,
      duration: isBegin ? undefined : Math.round(record.durationMs),
      actor: actorOf(record, names),
      api: present({
        operation: `${record.method} ${record.route ?? record.path}`,
        service: { name: record.isAdmin === true ? 'admin' : 'vllm' },
        request: { uid: record.requestId },
        response: isBegin ? undefined : present({ code: record.status, error: record.code }),
      }),
      src_endpoint: present({
        uid: names.hide(tenant, 'address', record.address),
        agent_list: record.userAgent === undefined ? undefined : [{ name: record.userAgent }],
      }),
      dst_endpoint: record.upstream === undefined ? undefined : { name: record.upstream },
      ai_model: record.model === undefined ? undefined : { name: record.model, ai_provider: 'vllm' },
      message_context: tokensOf(record),
      unmapped: present({
        tenant: record.tenant,
        network: record.network === record.address ? undefined : names.hide(tenant, 'address', record.network),
        first_byte_ms: record.firstByteMs,
        stream: record.isStream ? true : undefined,
        cached_tokens: record.cachedTokens,
        logprobs: record.logprobs,
        on_behalf_of: record.member === undefined ? undefined : names.hide(tenant, 'person', record.member),
        likeness: record.likeness,
        content: record.content,
        prompt_hash: record.promptHash,
        prompt_bytes: record.promptBytes,
        completion_hash: record.completionHash,
        completion_bytes: record.completionBytes,
        content_cut: record.isContentCut,
      }),
    }),
  };
}

const ACTIVITY: Readonly<Record<RequestRecord['outcome'], string>> = {
  begin: 'Allow',
  answer: 'Answer',
  denial: 'Deny',
  cut: 'Cut',
  abort: 'Abort',
  fault: 'Fail',
};

function actorOf(record: RequestRecord, names: Names): JsonObject {
  const tenant = record.tenant ?? NOBODY;
  const person = record.subject ?? record.owner;
  return present({
    user: present({
      uid: person === undefined ? undefined : names.hide(tenant, 'person', person),
      credential_uid: record.keyId === undefined ? record.tokenHash : `key:${record.keyId}`,
      org: record.tenant === undefined ? undefined : { uid: record.tenant },
    }),
    session: record.issuer === undefined ? undefined : present({ issuer: record.issuer, uid: record.tokenHash }),
    app_uid: record.clientId,
  });
}

function tokensOf({ promptTokens, completionTokens }: RequestRecord): JsonObject | undefined {
  if (promptTokens === undefined && completionTokens === undefined) return undefined;
  return present({
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: (promptTokens ?? 0) + (completionTokens ?? 0),
  });
}

/** Entity Management. */
const ENTITY = 3004;
const OPERATIONS: Readonly<Record<string, number>> = { create: 1, read: 2, update: 3, delete: 4 };

function changeEvent(record: ChangeRecord, names: Names): Event {
  const { actor, resource, tenant, operation, before, after, gained } = record;
  const id = resource === 'bans' ? names.hide(NOBODY, 'address', record.id) : withoutPerson(record.id, tenant, names);
  // Its own id is in what is said of it, too.
  const named = (data: JsonObject | undefined): JsonObject | undefined =>
    data?.['id'] === record.id ? { ...data, id } : data;
  return {
    uid: undefined,
    classUid: ENTITY,
    activityId: OPERATIONS[operation] ?? OTHER,
    activity: operation,
    severity: 2,
    isGood: true,
    members: present({
      actor: {
        user: present({
          uid: withoutPerson(actor.id, actor.tenant, names, PERSON_ACTING),
          org: actor.tenant === undefined ? undefined : { uid: actor.tenant },
        }),
      },
      src_endpoint: endpointOf(actor.tenant, actor.address, names),
      entity: present({ type: resource, uid: id, data: named(before) }),
      entity_result: after === undefined ? undefined : present({ type: resource, uid: id, data: named(after) }),
      unmapped: present({ tenant, gained: gained === undefined ? undefined : [...gained] }),
    }),
  };
}

const endpointOf = (tenant: string | undefined, address: string | undefined, names: Names): JsonObject | undefined =>
  address === undefined ? undefined : { uid: names.hide(tenant ?? NOBODY, 'address', address) };

/** Names in which the subject of a token stands in the clear: of what can be held or ended, and of who has done something. */
const WITH_PERSON = /^((?:subject|pair):\S+ )(.+)$/s;
const PERSON_ACTING = /^(token:\S+ )(.+)$/s;

/** Such a name with the person under the name that their requests have in records. */
export function withoutPerson(
  name: string,
  tenant: string | undefined,
  names: Pick<Names, 'hide'>,
  form = WITH_PERSON,
): string {
  const [, beginning, person] = form.exec(name) ?? [];
  if (beginning === undefined || person === undefined) return name;
  return beginning + names.hide(tenant ?? NOBODY, 'person', person);
}

/** Authentication. */
const AUTHENTICATION = 3002;

function signInEvent(record: SignInRecord, names: Names): Event {
  const { isGood, method, user, tenant, requestId, address } = record;
  return {
    uid: requestId,
    classUid: AUTHENTICATION,
    activityId: 1,
    activity: 'Logon',
    severity: isGood ? 1 : 2,
    isGood,
    members: present({
      auth_protocol_id: method === 'provider' ? 4 : OTHER,
      auth_protocol: method,
      is_mfa: method === 'totp' || method === 'passkey',
      user: present({ uid: user, org: tenant === undefined ? undefined : { uid: tenant } }),
      src_endpoint: endpointOf(tenant, address, names),
      unmapped: present({ tenant }),
    }),
  };
}

const TOKENS: Readonly<Record<TokenRecord['activity'], readonly [id: number, name: string, severity: number]>> = {
  issue: [1, 'Logon', 1],
  refresh: [3, 'Authentication Ticket', 1],
  revoke: [2, 'Logoff', 1],
  reuse: [OTHER, 'Reuse', 4],
  refuse: [1, 'Logon', 2],
};

function tokenEvent(record: TokenRecord, names: Names): Event {
  const { activity, grantType, clientId, subject, grantId, tenant, scopes, requestId, address } = record;
  const [activityId, name, severity] = TOKENS[activity];
  return {
    uid: requestId,
    classUid: AUTHENTICATION,
    activityId,
    activity: name,
    severity,
    isGood: activity !== 'reuse' && activity !== 'refuse',
    members: present({
      auth_protocol_id: 6,
      status_detail: activity,
      actor: present({ app_uid: clientId }),
      user: present({
        uid: subject === undefined ? undefined : names.hide(tenant ?? NOBODY, 'person', subject),
        org: tenant === undefined ? undefined : { uid: tenant },
      }),
      session: grantId === undefined ? undefined : { uid: grantId },
      src_endpoint: endpointOf(tenant, address, names),
      unmapped: present({ tenant, grant_type: grantType, scopes: [...scopes] }),
    }),
  };
}

/** Application Lifecycle. */
const LIFECYCLE = 6002;
const LIFECYCLES: Readonly<Record<LifecycleRecord['activity'], readonly [id: number, severity: number]>> = {
  start: [3, 1],
  stop: [4, 1],
  configure: [OTHER, 2],
  advisory: [OTHER, 2],
  gap: [OTHER, 4],
};

function lifecycleEvent({ activity, detail }: LifecycleRecord): Event {
  const [activityId, severity] = LIFECYCLES[activity];
  return {
    uid: undefined,
    classUid: LIFECYCLE,
    activityId,
    activity,
    severity,
    isGood: activity !== 'gap',
    members: { app: { name: 'sallyport', vendor_name: 'sallyport' }, unmapped: detail },
  };
}

/** Detection Finding: what was found, and what is held for it. */
const FINDING = 2004;
const HOLDS: Readonly<Record<HoldRecord['activity'], readonly [id: number, severity: number]>> = {
  ban: [1, 3],
  quarantine: [1, 4],
  lift: [3, 1],
  release: [3, 1],
};

function holdEvent({ activity, subject, tenant, reason, untilMs, from }: HoldRecord, names: Names): Event {
  const [activityId, severity] = HOLDS[activity];
  const isAddress = activity === 'ban' || activity === 'lift';
  return {
    uid: undefined,
    classUid: FINDING,
    activityId,
    activity,
    severity,
    isGood: true,
    members: {
      finding_info: { title: reason, uid: `${activity}:${reason}` },
      resources: [
        {
          uid: isAddress ? names.hide(tenant ?? NOBODY, 'address', subject) : withoutPerson(subject, tenant, names),
        },
      ],
      unmapped: present({ tenant, until: untilMs, from }),
    },
  };
}

function findingEvent({ rule, subject, tenant, score, why, requestId }: FindingRecord, names: Names): Event {
  const address = /^network:(.*)$/.exec(subject)?.[1];
  return {
    uid: undefined,
    classUid: FINDING,
    activityId: 1,
    activity: 'Create',
    severity: score >= 0.9 ? 4 : 3,
    isGood: true,
    members: present({
      finding_info: { title: rule, uid: rule, desc: why },
      confidence_score: Math.round(score * 100),
      resources: [
        {
          uid:
            address === undefined
              ? withoutPerson(subject, tenant, names)
              : `network:${names.hide(tenant ?? NOBODY, 'address', address)}`,
        },
      ],
      unmapped: present({ tenant, request: requestId }),
    }),
  };
}
