/**
 * How many of an upstream's places are kept for tenants that hold fewer than so many. A place comes free only when an
 * answer ends, so that without it a tenant that asks little would wait for somebody else's answer each time. One tenant
 * alone may have all.
 *
 * @param percent of the limit, 0 to 50
 * @param tenants that have asked lately
 */
export function reserveOf(limit: number | 'none', percent: number, tenants: number): number {
  if (limit === 'none' || tenants < 2) return 0;
  // One place at least is everybody's.
  return Math.min(limit - 1, Math.ceil((limit * percent) / 100));
}
