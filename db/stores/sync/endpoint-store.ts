/**
 * What the lists of all accounts have shown of an endpoint: how many rows it gives in a page, and which caps it has not.
 * Written by `activities/page/endpoint-facts.ts`; read with each unit by `unit-store.ts`.
 */
import type { Queryable } from '../../pool.ts';

export interface EndpointFacts {
  readonly provider: string;
  readonly endpoint: string;
  /** Rows of one page. */
  readonly given: number;
  /** A common cap that a list has gone beyond; 0 for none. */
  readonly beyond: number;
}

// One row by its key; nothing is written when nothing is new.
const NOTE = `
  insert into sluice.endpoint as e (provider, endpoint, given, beyond) values ($1, $2, $3, $4)
  on conflict (provider, endpoint) do update set
    given = greatest(e.given, excluded.given), beyond = greatest(e.beyond, excluded.beyond)
    where e.given < excluded.given or e.beyond < excluded.beyond`;

export async function noteEndpoint(db: Queryable, facts: EndpointFacts): Promise<void> {
  await db.query({
    name: 'note_endpoint',
    text: NOTE,
    values: [facts.provider, facts.endpoint, facts.given, facts.beyond],
  });
}
