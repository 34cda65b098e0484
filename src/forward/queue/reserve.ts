/** One place of so many is kept. */
const PART = 8;

/**
 * How many of an upstream's places are kept for tenants that hold fewer than so many. A place comes free only when an
 * answer ends, so that without it a tenant that asks little would wait for somebody else's answer each time. One tenant
 * alone may have all.
 *
 * @param tenants that have asked lately
 */
export function reserveOf(limit: number | 'none', tenants: number): number {
  return limit === 'none' || limit < 2 || tenants < 2 ? 0 : Math.ceil(limit / PART);
}
