/**
 * What a client stands on, for the parts of Sluice that are made with a client and need more than it shows. Used by:
 * `connecting/create-connecting.ts`.
 */
import type { Pool } from '../db/index.ts';
import type { Sluice } from './connect.ts';

export interface InnerParts {
  readonly pool: Pool;
  /** The tenant that it is bound to. */
  readonly boundTo?: string;
}

const known = new WeakMap<Sluice, InnerParts>();

export function keepParts(sluice: Sluice, { pool, boundTo }: InnerParts): Sluice {
  known.set(sluice, { pool, ...(boundTo === undefined ? {} : { boundTo }) });
  return sluice;
}

/** @throws TypeError for what `connect()` has not made. */
export function partsOf(sluice: Sluice): InnerParts {
  const parts = known.get(sluice);
  if (!parts) throw new TypeError('`sluice` is no client; give what connect() of "sluice" resolves to.');
  return parts;
}
