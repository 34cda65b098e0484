import * as z from 'zod';
import type { RecordChange } from '../directory/records.ts';
import { VersionConflict } from '../directory/store.ts';
import { deny, type Denial } from '../kernel/reasons.ts';
import { operation, type Answer, type Asked, type Operation } from './operation.ts';
import { pageFrom, pageQuery } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { changeRecord, isDenial } from './precondition.ts';

/** A record whose name is its id, and that is hidden once it was deleted. */
interface Named {
  readonly id: string;
  readonly createdAtMs: number;
  readonly state: 'active' | 'deleted';
  readonly version: number;
}

/** A kind of object that is made, changed and deleted by its name. */
export interface NamedKind<
  Record extends Named,
  Wish extends z.ZodType,
  Edit extends z.ZodType,
  Shown extends z.ZodObject,
> {
  /** First segment of the paths: `roles`. */
  readonly path: string;
  /** As people say it, and as ids of operations end: `role`, `Role`. */
  readonly what: string;
  readonly title: string;
  readonly records: ReadonlyMap<string, Record>;
  readonly wish: Wish;
  readonly edit: Edit;
  readonly shown: Shown;
  readonly page: z.ZodType;
  readonly example: z.input<Shown>;
  readonly show: (record: Record) => z.input<Shown>;
  /** Its own content, or why it cannot be. */
  readonly made: (wish: z.output<Wish>) => ({ readonly id: string } & Omit<Record, keyof Named>) | Denial;
  readonly changed: (record: Record, edit: z.output<Edit>) => Omit<Record, keyof Named> | Denial;
  /** The change that writes it, with those that have to happen in the same moment. */
  readonly changesOf: (record: Record, expectedVersion: number) => readonly RecordChange[];
  /** What else a summary says of changing and deleting. */
  readonly effect: string;
}

/** The operations on one kind of named object. */
export function namedOperations<
  Record extends Named,
  Wish extends z.ZodType,
  Edit extends z.ZodType,
  Shown extends z.ZodObject,
>(kind: NamedKind<Record, Wish, Edit, Shown>, deps: AdminDeps): readonly Operation[] {
  const { path, what, title, records, show, example } = kind;
  const find = (id: string): Record | undefined => {
    const record = records.get(id);
    return record?.state === 'active' ? record : undefined;
  };

  async function change(
    { id, ifMatch, actor }: Asked<unknown, unknown>,
    action: string,
    edit: (record: Record) => Record | Denial,
  ): Promise<Answer<z.input<Shown>> | Denial> {
    const changed = await changeRecord(deps, { read: () => find(id), ifMatch, edit, changeOf: kind.changesOf });
    if (isDenial(changed)) return changed;
    const { record, committed } = changed;
    if (committed === undefined) return { value: show(record), version: record.version };
    deps.logChange(actor, `${path}.${action}`, id);
    return { value: show(record), version: record.version, committed };
  }

  /** A new one, or one in the place of a deleted one of this name. */
  async function create(wish: z.output<Wish>): Promise<Answer<z.input<Shown>> | Denial> {
    const made = kind.made(wish);
    if (isDenial(made)) return made;
    const { id } = made;
    const before = records.get(id);
    const taken = deny('conflict', { param: 'name', message: `There is a ${what} ${id} already.` });
    if (before?.state === 'active') return taken;
    const version = (before?.version ?? 0) + 1;
    // What `made` leaves out is here: together they are the record.
    const record = { ...made, createdAtMs: deps.clock.nowMs(), state: 'active', version } as unknown as Record;
    try {
      const committed = await deps.commit(kind.changesOf(record, version - 1));
      return { value: show(record), version, committed, location: `/${path}/${encodeURIComponent(id)}` };
    } catch (error) {
      if (error instanceof VersionConflict) return taken;
      throw error;
    }
  }

  return [
    operation({
      id: `list${title}s`,
      method: 'GET',
      path: `/${path}`,
      scope: 'admin:read',
      summary: `List ${path}, oldest first.`,
      status: 200,
      query: z.strictObject(pageQuery),
      response: kind.page,
      example: { items: [example], next: null },
      handle({ query }) {
        const live = records.values().filter(({ state }) => state === 'active');
        const page = pageFrom(live, query, (id) => records.get(id));
        return isDenial(page) ? page : { value: { items: page.items.map(show), next: page.next } };
      },
    }),
    operation({
      id: `create${title}`,
      method: 'POST',
      path: `/${path}`,
      scope: 'admin:write',
      summary: `Create a ${what}.`,
      status: 201,
      isOnce: true,
      body: kind.wish,
      response: kind.shown,
      example,
      async handle({ body, actor }) {
        const answer = await create(body);
        if (!isDenial(answer)) deps.logChange(actor, `${path}.create`, answer.location ?? '');
        return answer;
      },
    }),
    operation({
      id: `get${title}`,
      method: 'GET',
      path: `/${path}/{id}`,
      scope: 'admin:read',
      summary: `Show a ${what}.`,
      status: 200,
      response: kind.shown,
      example,
      handle({ id }) {
        const record = find(id);
        return record === undefined ? deny('unknown_object') : { value: show(record), version: record.version };
      },
    }),
    operation({
      id: `edit${title}`,
      method: 'PATCH',
      path: `/${path}/{id}`,
      scope: 'admin:write',
      summary: `Change fields of a ${what}; those left out stay. ${kind.effect}`.trim(),
      status: 200,
      body: kind.edit,
      response: kind.shown,
      example,
      handle: (asked) =>
        change(asked, 'edit', (record) => {
          if (Object.keys(asked.body as object).length === 0) return record;
          const content = kind.changed(record, asked.body);
          return isDenial(content) ? content : { ...record, ...content, version: record.version + 1 };
        }),
    }),
    operation({
      id: `delete${title}`,
      method: 'DELETE',
      path: `/${path}/{id}`,
      scope: 'admin:write',
      summary: `Delete a ${what}. ${kind.effect}`.trim(),
      status: 204,
      async handle(asked) {
        const gone = await change(asked, 'delete', (record) => ({
          ...record,
          state: 'deleted',
          version: record.version + 1,
        }));
        if (isDenial(gone)) return gone;
        return { value: undefined, ...(gone.committed === undefined ? {} : { committed: gone.committed }) };
      },
    }),
  ];
}
