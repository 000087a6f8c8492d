/**
 * What the lists of all accounts have shown of an endpoint: how many rows it gives in a page, behind how many rows a page follows, and which
 * caps it has not. Written by `activities/page/endpoint-facts.ts`; read with each unit by `unit-store.ts`.
 */
import type { Queryable } from '../../pool.ts';

/** Each of them only grows. */
export interface EndpointFacts {
  /** Rows of one page. */
  readonly given: number;
  /** A common cap that a list has gone beyond; 0 for none. */
  readonly beyond: number;
  /** Rows of a page behind which others came; 0 for none. */
  readonly followed: number;
  /** Rows of a page behind which none came, nor when it was looked at again; 0 for none. */
  readonly closed: number;
}

export interface EndpointKey {
  readonly provider: string;
  readonly endpoint: string;
}

// One row by its key; nothing is written when nothing is new.
const NOTE = `
  insert into sluice.endpoint as e (provider, endpoint, given, beyond, followed, closed) values ($1, $2, $3, $4, $5, $6)
  on conflict (provider, endpoint) do update set
    given = greatest(e.given, excluded.given), beyond = greatest(e.beyond, excluded.beyond),
    followed = greatest(e.followed, excluded.followed), closed = greatest(e.closed, excluded.closed)
    where e.given < excluded.given or e.beyond < excluded.beyond or e.followed < excluded.followed or e.closed < excluded.closed`;

export async function noteEndpoint(
  db: Queryable,
  { provider, endpoint }: EndpointKey,
  facts: EndpointFacts,
): Promise<void> {
  await db.query({
    name: 'note_endpoint',
    text: NOTE,
    values: [provider, endpoint, facts.given, facts.beyond, facts.followed, facts.closed],
  });
}
