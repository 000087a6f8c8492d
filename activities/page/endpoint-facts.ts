/**
 * What the lists of all accounts have shown of an endpoint, written down once. A process remembers what it has noted,
 * since hundreds of its lists see the same on every page, and all would write to one row.
 * Used by: `activities/sync/unit-cache.ts`; told by `store-page.ts`. Next: `db/stores/sync/endpoint-store.ts`.
 */
import type { Queryable } from '../../db/pool.ts';
import { noteEndpoint, type EndpointFacts } from '../../db/stores/sync/endpoint-store.ts';

export interface EndpointNotes {
  note(db: Queryable, facts: EndpointFacts): Promise<void>;
}

export function createEndpointNotes(): EndpointNotes {
  const noted = new Map<string, EndpointFacts>();
  return {
    async note(db, facts) {
      const key = JSON.stringify([facts.provider, facts.endpoint]);
      const before = noted.get(key);
      const given = Math.max(before?.given ?? 0, facts.given);
      const beyond = Math.max(before?.beyond ?? 0, facts.beyond);
      if (before && given === before.given && beyond === before.beyond) return;
      // Before it is written: the pages that come meanwhile have the same to say.
      noted.set(key, { ...facts, given, beyond });
      try {
        await noteEndpoint(db, { ...facts, given, beyond });
      } catch (error) {
        noted.delete(key);
        throw error;
      }
    },
  };
}
