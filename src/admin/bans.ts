import * as z from 'zod';
import type { BanRecord } from '../directory/records.ts';
import { duration } from '../kernel/option.ts';
import { deny } from '../kernel/reasons.ts';
import { networkOf } from '../wire/network-words.ts';
import { operation, type Resource } from './operation.ts';
import { pageFrom, pageOf, pageQuery } from './page.ts';
import { isDenial } from './precondition.ts';

const ADDRESS = 'Give an address, such as 192.0.2.7, or an IPv6 network of 64 bits, such as 2001:db8:0:1::/64.';

/** An address that is to be banned. */
export const banWish = z.strictObject({
  address: z
    .string({ error: ADDRESS })
    .refine((text) => networkOf(text) !== undefined, { error: ADDRESS })
    .describe('Of an IPv6 address its whole /64 is banned.'),
  for: duration('1s', '30d').prefault('1h').describe('How long.'),
});

/** A ban as the admin API shows it. */
export const banShown = z.strictObject({
  address: z.string().describe('An IPv4 address, or the /64 of an IPv6 address.'),
  reason: z
    .enum(['failures', 'scan', 'smuggling', 'operator'])
    .describe('Wrong credentials after it was told to wait, unknown and closed routes, doubtful framing, or a person.'),
  number: z.int().describe('How many in a row: each is twice as long.'),
  startedAt: z.iso.datetime(),
  until: z.iso.datetime(),
});

/** A page of bans. */
export const banPage = pageOf(banShown);

/** A ban for people. */
export type BanShown = z.output<typeof banShown>;

const example: BanShown = {
  address: '192.0.2.7',
  reason: 'failures',
  number: 2,
  startedAt: '2030-01-01T00:00:00.000Z',
  until: '2030-01-01T00:02:00.000Z',
};

/** Addresses that are banned now. */
export const bans: Resource = {
  name: 'bans',
  schemas: { Ban: banShown, BanPage: banPage, BanWish: banWish },
  operations: (deps) => [
    operation({
      id: 'listBans',
      method: 'GET',
      path: '/bans',
      scope: 'admin:read',
      summary: 'List the addresses that are banned now, by address.',
      status: 200,
      query: z.strictObject(pageQuery),
      response: banPage,
      example: { items: [example], next: null },
      handle({ query }) {
        // By address, so that a page can begin behind one that was lifted meanwhile.
        const listed = deps.bans.list().map((ban) => ({ ...ban, id: ban.network, createdAtMs: 0 }));
        const page = pageFrom<Pick<(typeof listed)[number], 'id' | 'createdAtMs'>>(listed, query, (id) => ({
          id,
          createdAtMs: 0,
        }));
        if (isDenial(page)) return page;
        const byId = new Map(listed.map((ban) => [ban.id, ban]));
        const items = page.items.flatMap(({ id }) => byId.get(id) ?? []);
        return { value: { items: items.map(show), next: page.next } };
      },
    }),
    operation({
      id: 'createBan',
      method: 'POST',
      path: '/bans',
      scope: 'admin:write',
      summary: 'Ban an address for a time; it holds from the next request on.',
      status: 201,
      body: banWish,
      response: banShown,
      example: { ...example, reason: 'operator', number: 1 },
      handle({ body, actor }) {
        const network = networkOf(body.address) ?? body.address;
        const ban = deps.bans.add(network, body.for);
        if (isDenial(ban)) return ban;
        deps.logChange(actor, 'bans.create', network);
        return { value: show(ban), location: `/bans/${encodeURIComponent(network)}` };
      },
    }),
    operation({
      id: 'deleteBan',
      method: 'DELETE',
      path: '/bans/{id}',
      scope: 'admin:write',
      summary: 'Lift the ban of an address and forget what led to it; it holds from the next request on.',
      status: 204,
      handle({ id, actor }) {
        const network = networkOf(id);
        if (network === undefined || deps.bans.lift(network) === undefined) return deny('unknown_object');
        deps.logChange(actor, 'bans.delete', network);
        return { value: undefined };
      },
    }),
  ],
};

function show({ network, reason, number, startedAtMs, untilMs }: BanRecord): BanShown {
  return {
    address: network,
    reason: banShown.shape.reason.catch('operator').parse(reason),
    number,
    startedAt: new Date(startedAtMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  };
}
