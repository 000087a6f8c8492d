/** The third party of `test/fixtures/forest.ts`: users with notes and friends, and each friend's posts, in pages of ten. */
import { randomUUID } from 'node:crypto';
import { startFakeApi, type FakeApi } from '../../testing/index.ts';

export interface ForestSize {
  /** Default 5. */
  readonly latencyMs?: number;
  /** Of each user. Default 12. */
  readonly friends?: number;
  /** Of each friend. Default 25. */
  readonly posts?: number;
  /** Of each user. Default 255. */
  readonly notes?: number;
}

/** The fixture's sync calls it from now on in this process; other processes are told by `FOREST_URL`. */
export async function startForestApi(size: ForestSize = {}): Promise<FakeApi> {
  const { latencyMs = 5, friends = 12, posts = 25, notes = 255 } = size;
  const api = await startFakeApi({ latencyMs });
  process.env['FOREST_URL'] = api.url;
  api.list('/users/:id/notes', { count: notes, itemAt: ({ id }, i) => ({ id: `${id}-n${i}` }) });
  api.list('/users/:id/friends', { count: friends, itemAt: ({ id }, i) => ({ id: `${id}-f${i}` }) });
  api.list('/users/:id/posts', { count: posts, itemAt: ({ id }, i) => ({ id: `${id}-p${i}` }) });
  return api;
}

/** An account that no other test has. */
export const newAccount = (): string => `acct-${randomUUID().slice(0, 8)}`;
