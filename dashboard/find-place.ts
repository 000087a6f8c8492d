/** What somebody has typed or pasted, and the view that is about it. */
import type { Sluice } from '../client/index.ts';
import type { Query } from './link.ts';

export interface Place {
  readonly path: readonly string[];
  readonly query?: Query;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A run by its id or its workflow's, an action, a limit's key; else it is the name of an account. */
export async function findPlace(sluice: Sluice, text: string): Promise<Place> {
  if (text === '') return { path: [] };
  if (UUID.test(text)) return { path: ['runs', text] };
  if (/^(?:action|saga)\//.test(text)) return { path: ['actions', text] };
  const [, sync, account] = /^sync\/([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (sync !== undefined && account !== undefined) {
    const [newest] = await sluice.runs.list({ sync, account, limit: 1 });
    return newest ? { path: ['runs', newest.runId] } : { path: ['runs'], query: { sync, account } };
  }
  if (text.includes('/')) return { path: ['limits'], query: { prefix: text } };
  return { path: ['accounts', text] };
}
