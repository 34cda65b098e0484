import * as z from 'zod';
import { deny, type Denial } from '../kernel/reasons.ts';

const LIMIT = 'Give a whole number from 1 to 200.';

/** The query of a list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^(1?\d?\d|200)$/, { error: LIMIT })
    .transform(Number)
    .refine((limit) => limit >= 1, { error: LIMIT })
    .prefault('50')
    .describe('Objects on a page, 1 to 200.'),
  after: z.string().max(128).optional().describe('The `next` of the page before.'),
};

/** The schema of a page of `item`. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe('Give it as `after` for the next page; null: this is the last one.'),
  });

/** A page of a list. */
export interface Page<Item> {
  readonly items: Item[];
  readonly next: string | null;
}

/** What lists are sorted by: time of creation, then id, which no two share. */
interface Listed {
  readonly id: string;
  readonly createdAtMs: number;
}

/**
 * Cuts a page out of records. The cursor is the id of the page's last record; it stays good when that is hidden.
 *
 * @param find any record, hidden ones too
 */
export function pageFrom<R extends Listed>(
  records: Iterable<R>,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  find: (id: string) => R | undefined,
): Page<R> | Denial {
  const last = after === undefined ? undefined : find(after);
  if (after !== undefined && last === undefined) {
    return deny('invalid_field', { param: 'after', message: 'This is no cursor: give the `next` of a page.' });
  }
  const rest = [...records].filter((record) => last === undefined || order(record, last) > 0).sort(order);
  const items = rest.slice(0, limit);
  return { items, next: rest.length > limit ? (items.at(-1)?.id ?? null) : null };
}

function order(a: Listed, b: Listed): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
