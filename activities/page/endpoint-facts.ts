/**
 * What the lists of all accounts have shown of an endpoint, written down once. A process remembers what it has noted,
 * since hundreds of its lists see the same on every page, and all would write to one row.
 * Used by: `activities/sync/unit-cache.ts`; told by `store-page.ts`. Next: `db/stores/sync/endpoint-store.ts`.
 */
import type { Queryable } from '../../db/pool.ts';
import { noteEndpoint, type EndpointFacts, type EndpointKey } from '../../db/stores/sync/endpoint-store.ts';

export interface EndpointNotes {
  note(db: Queryable, of: EndpointKey, facts: EndpointFacts): Promise<void>;
}

export function createEndpointNotes(): EndpointNotes {
  const noted = new Map<string, EndpointFacts>();
  return {
    async note(db, of, facts) {
      const key = JSON.stringify([of.provider, of.endpoint]);
      const before = noted.get(key);
      if (before && isKnown(before, facts)) return;
      const most = before ? mostOf(before, facts) : facts;
      // Before it is written: the pages that come meanwhile have the same to say.
      noted.set(key, most);
      try {
        await noteEndpoint(db, of, most);
      } catch (error) {
        noted.delete(key);
        throw error;
      }
    },
  };
}

/** Do the facts say nothing that is not known? */
export function isKnown(known: EndpointFacts, facts: EndpointFacts): boolean {
  return (
    facts.given <= known.given &&
    facts.beyond <= known.beyond &&
    facts.followed <= known.followed &&
    facts.closed <= known.closed
  );
}

function mostOf(a: EndpointFacts, b: EndpointFacts): EndpointFacts {
  return {
    given: Math.max(a.given, b.given),
    beyond: Math.max(a.beyond, b.beyond),
    followed: Math.max(a.followed, b.followed),
    closed: Math.max(a.closed, b.closed),
  };
}
