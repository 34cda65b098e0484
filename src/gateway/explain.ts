import { randomUUID } from 'node:crypto';
import type { Explanation, ExplainQuestion, FieldVerdict } from '../admin/ports.ts';
import type { Credential } from '../directory/credentials.ts';
import { AnyExchange, type Exchange, type Facts, type Has, type Slots } from '../kernel/exchange.ts';
import { isJsonObject, type JsonObject } from '../kernel/json.ts';
import { deny, reasons, type Denial } from '../kernel/reasons.ts';
import type { Pipeline } from '../kernel/stage.ts';
import type { Downstream, RequestHead } from '../kernel/transport.ts';
import { rowsOf } from '../vllm/fields/body.ts';
import { BODY_KINDS, type MemberRow } from '../vllm/fields/field.ts';
import { createNetworkJudge, KEY_DENIED, TENANT_DENIED } from '../stages/authenticate/networks.ts';
import { matchRoute } from '../vllm/routes/match.ts';
import { parseRequestHead, type HeadRules } from '../wire/request-head.ts';

/** What a dry run works with. */
export interface ExplainDeps {
  readonly find: (keyId: string) => Credential | undefined;
  readonly rules: HeadRules;
  /** The pipeline of a path, with the settings as they are now. */
  readonly pipelineOf: (path: string) => Pipeline;
  readonly nowMs: () => number;
  /** `validation.storedResponses`. */
  readonly storedResponses: boolean;
}

/** An exchange as a stage sees it: its needs were filled by the stages before it. */
type Staged = Exchange & Has<keyof Facts> & Slots<keyof Facts>;

/**
 * Walks the stages of a request that nobody sends: nothing is spent, nothing goes upstream. The principal is that of
 * the named API key, whatever its value. Undefined where there is no such key.
 */
export async function explain(question: ExplainQuestion, deps: ExplainDeps): Promise<Explanation | undefined> {
  const credential = deps.find(question.key);
  if (credential === undefined) return undefined;
  const head = headOf(question);
  const x = new AnyExchange(randomUUID(), deps.nowMs(), silent(head, question), true);
  const parsed = parseRequestHead(head, deps.rules);
  if ('code' in parsed) return { stages: [refused('head', parsed)], fields: [], sent: null };
  x.head = parsed;
  const stages: Explanation['stages'][number][] = [];
  for (const stage of deps.pipelineOf(parsed.path).stages) {
    let denial: Denial | undefined;
    if (stage.name === 'authenticate') {
      x.principal = credential.principal;
      denial = keyDenial(credential, question.address);
    } else {
      denial = await stage.decide?.(x as Staged);
    }
    stages.push(denial === undefined ? allowed(stage.name, x) : refused(stage.name, denial));
    if (denial !== undefined) break;
  }
  const { route, request } = x;
  const asked = readObject(question.body);
  const kind = BODY_KINDS.find((one) => one === route?.family);
  const fields = kind === undefined || asked === undefined ? [] : fieldsOf(asked, rowsOf(kind, deps), request?.body);
  return {
    stages,
    fields,
    sent: request === undefined ? null : { adjusted: [...request.adjusted], body: x.sentBody ?? request.body },
  };
}

function keyDenial({ record, tenant, isTenantDisabled }: Credential, address: string): Denial | undefined {
  if (record.state !== 'active' || isTenantDisabled) return deny('revoked_credential');
  const mayUse = createNetworkJudge();
  if (!mayUse(record, address)) return deny('ip_denied', { message: KEY_DENIED });
  const isElsewhere = tenant !== undefined && !mayUse(tenant, address);
  return isElsewhere ? deny('ip_denied', { message: TENANT_DENIED }) : undefined;
}

/** What a dry run leaves out is said where it would have happened. */
function allowed(stage: string, { request }: AnyExchange): Explanation['stages'][number] {
  const remote = stage === 'fetch-media' ? request?.remoteMedia : undefined;
  if (remote === undefined) return { stage, decision: 'allow' };
  const message = `Nothing was fetched. URLs that a request would have fetched and judged: ${remote.media.length}.`;
  return { stage, decision: 'allow', message };
}

function refused(stage: string, { code, param, message }: Denial): Explanation['stages'][number] {
  return {
    stage,
    decision: 'deny',
    status: reasons[code].status,
    code,
    param: param ?? null,
    message: message ?? reasons[code].message,
  };
}

/** What the field policy says of each member that was sent, and whether it went on. */
function fieldsOf(
  asked: JsonObject,
  rows: ReadonlyMap<string, MemberRow>,
  sent: JsonObject | undefined,
): FieldVerdict[] {
  return Object.keys(asked).map((name) => {
    const row = name === 'model' ? undefined : rows.get(name);
    const isSent = sent !== undefined && Object.hasOwn(sent, name);
    if (row === undefined)
      return { name, policy: name === 'model' ? 'pass' : 'unknown', isSent, why: null, grant: null };
    const grant = row.policy === 'deny' ? (row.grant ?? null) : null;
    return { name, policy: row.policy, isSent, why: row.policy === 'pass' ? null : row.why, grant };
  });
}

function readObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value as JsonObject) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function headOf({ method, path, headers, body }: ExplainQuestion): RequestHead {
  const own = Object.entries(headers).flat();
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const add = (name: string, value: string): void => {
    if (!names.has(name)) own.push(name, value);
  };
  add('host', 'localhost');
  if (matchRoute(path)?.isSocket === true && method === 'GET') {
    // The question is whether the caller may, not whether its client writes a handshake well.
    add('connection', 'Upgrade');
    add('upgrade', 'websocket');
    add('sec-websocket-version', '13');
    add('sec-websocket-key', Buffer.alloc(16).toString('base64'));
  }
  if (method === 'POST') {
    add('content-type', 'application/json');
    add('content-length', String(Buffer.byteLength(body)));
  }
  return { method, target: path, httpVersion: '1.1', rawHeaders: own };
}

/** A peer that sends the body and hears nothing. */
function silent(head: RequestHead, { address, body }: ExplainQuestion): Downstream {
  const nothing = (): void => undefined;
  const bytes = Buffer.from(body);
  return {
    head,
    peerAddress: address,
    isPeerUnknown: false,
    certificate: undefined,
    isEncrypted: true,
    readBody: (maxBytes) => Promise.resolve(bytes.length > maxBytes ? { kind: 'too-large' } : { kind: 'body', bytes }),
    keepBody: nothing,
    growBody: () => true,
    holdAnswer: () => true,
    keepAnswer: nothing,
    writeHead: nothing,
    answer: nothing,
    write: () => true,
    end: nothing,
    destroy: nothing,
    onDrain: nothing,
    onDisconnect: nothing,
    onSent: nothing,
    upgrade: () => {
      throw new Error('a dry run has no connection');
    },
  };
}
