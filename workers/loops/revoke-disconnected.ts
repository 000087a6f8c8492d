/**
 * Revokes, at the third parties, the credentials of accounts that were disconnected with `revoke`.
 * Next: `activities/credentials/revoke-credentials.ts`.
 */
import { revokeNext, type Log, type RevokeDeps } from '../../activities/index.ts';
import type { Provider } from '../../providers/index.ts';
import { every } from './interval.ts';

const INTERVAL_MS = 5_000;

/** @param providers that this worker has. @returns a function that ends it after the one that is under way. */
export function startRevoking(
  deps: RevokeDeps,
  providers: ReadonlyMap<string, Provider>,
  log: Log,
): () => Promise<void> {
  return every(INTERVAL_MS, 'revoking credentials of disconnected accounts', log, () => revokeNext(deps, providers));
}
