/** Which limit a refusal is about. Used by: `report.ts`, `limiter/admin/count-use.ts`. */
import type { Charge } from '../../contracts/limits/limit.ts';

/**
 * The charge that a refusal is about: the named limit, else the one of which its headers say that nothing is left. Else
 * it is the last window or learned limit. -1 = none.
 */
export function refusedCharge(charges: readonly Charge[], limit: string | undefined, told?: Charge): number {
  const named = limit === undefined ? -1 : charges.findIndex((charge) => charge.limit.name === limit);
  if (named >= 0) return named;
  if (told) return charges.indexOf(told);
  const last = charges.findLastIndex((charge) => charge.limit.kind !== 'inflight');
  return last >= 0 ? last : charges.length - 1;
}
