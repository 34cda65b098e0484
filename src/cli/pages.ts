import type * as z from 'zod';
import type { AdminClient } from './admin-client.ts';

/** Every object of a resource, page by page. @param tenant only those of this one */
export async function allPages<Item>(
  client: AdminClient,
  resource: string,
  pageSchema: z.ZodType<{ readonly items: readonly Item[]; readonly next: string | null }>,
  tenant?: string,
): Promise<readonly Item[]> {
  const found: Item[] = [];
  for (let after: string | null = ''; after !== null;) {
    const query = new URLSearchParams({
      limit: '200',
      ...(after === '' ? {} : { after }),
      ...(tenant === undefined ? {} : { tenant }),
    });
    const path = `/${resource}?${query.toString()}`;
    const page: { readonly items: readonly Item[]; readonly next: string | null } = await client.ask(
      { method: 'GET', path },
      pageSchema,
    );
    found.push(...page.items);
    after = page.next;
  }
  return found;
}
