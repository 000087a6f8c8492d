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

const FACTS = ['given', 'beyond', 'followed', 'closed'] as const satisfies readonly (keyof EndpointFacts)[];

/** Do the facts say nothing that is not known? Null: nothing is. */
export function isKnown(known: Readonly<Record<keyof EndpointFacts, number | null>>, facts: EndpointFacts): boolean {
  return FACTS.every((name) => facts[name] <= (known[name] ?? 0));
}

function mostOf(a: EndpointFacts, b: EndpointFacts): EndpointFacts {
  const most = (name: keyof EndpointFacts): number => Math.max(a[name], b[name]);
  return { given: most('given'), beyond: most('beyond'), followed: most('followed'), closed: most('closed') };
}
