import { entryIn, eventIn, type AuditEntry } from '../audit-log/entry.ts';
import { isJsonObject, memberOf as member, type JsonObject, type JsonValue } from '../kernel/json.ts';

/** A record of the audit log, with what an incident is told from. */
export interface IncidentEvent extends AuditEntry {
  /** As OCSF names it: `Answer`, `Deny`, `Cut`, `create`, `quarantine`, `Reuse`. */
  readonly activity: string;
  /** Requests that it stands for. */
  readonly count: number;
  readonly isGood: boolean;
  /** 1 informational to 5 critical. */
  readonly severity: number;
  /** `POST chat-completions`. */
  readonly operation: string | undefined;
  readonly program: string | undefined;
  readonly upstream: string | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Who did it, of what is no request: `command`, `user:ID`, `key:Ab12Cd`. */
  readonly actor: string | undefined;
  /** What was found, or why something is held: the name of the rule, and its words. */
  readonly title: string | undefined;
  readonly why: string | undefined;
  /** Of a change. */
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
}

/** Reads a line of the log; undefined where it is no record. */
export function eventOf(line: string): IncidentEvent | undefined {
  const event = eventIn(line);
  const entry = entryIn(event);
  if (entry === undefined) return undefined;
  const at = (...path: readonly string[]): JsonValue | undefined =>
    path.reduce<JsonValue | undefined>((value, name) => member(value, name), event);
  const text = (...path: readonly string[]): string | undefined => {
    const value = at(...path);
    return typeof value === 'string' ? value : undefined;
  };
  const number = (...path: readonly string[]): number => {
    const value = at(...path);
    return typeof value === 'number' ? value : 0;
  };
  const agents = at('src_endpoint', 'agent_list');
  const agent = Array.isArray(agents) ? member(agents[0], 'name') : undefined;
  const [before, after] = [at('entity', 'data'), at('entity_result', 'data')];
  return {
    ...entry,
    activity: text('activity_name') ?? '',
    count: Math.max(1, number('count')),
    isGood: number('status_id') === 1,
    severity: number('severity_id'),
    operation: text('api', 'operation'),
    program: typeof agent === 'string' ? agent : undefined,
    upstream: text('dst_endpoint', 'name'),
    promptTokens: number('message_context', 'prompt_tokens'),
    completionTokens: number('message_context', 'completion_tokens'),
    actor: text('actor', 'user', 'uid'),
    title: text('finding_info', 'title'),
    why: text('finding_info', 'desc'),
    before: isJsonObject(before) ? before : undefined,
    after: isJsonObject(after) ? after : undefined,
  };
}
