/**
 * A request as the store can hold it. One whose account or key holds a NUL, or is thousands of characters long, would
 * fail the whole batch that it is decided with. Next: `acquire.ts`.
 */
import { bounded } from '../../contracts/values/bounded.ts';
import type { Charge } from '../../contracts/limits/limit.ts';
import { keyText } from '../buckets/key-text.ts';
import type { AcquireRequest } from '../types.ts';

const LEAST_WEIGHT = 0.001;
const MOST_WEIGHT = 1_000;

export function cleanRequest(request: AcquireRequest): AcquireRequest {
  const { callKey, account, charges, endpoint, weight } = request;
  return {
    ...request,
    callKey: keyText(callKey),
    account: keyText(account),
    charges: charges.some(({ key }) => keyText(key) !== key) ? charges.map(cleanCharge) : charges,
    ...(endpoint === undefined ? {} : { endpoint: keyText(endpoint) }),
    ...(weight === undefined ? {} : { weight: bounded(weight, LEAST_WEIGHT, MOST_WEIGHT) }),
  };
}

export function cleanCharge(charge: Charge): Charge {
  return { ...charge, key: keyText(charge.key) };
}
