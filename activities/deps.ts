/**
 * What activities need from the process they run in. Given once by `workers/create-worker.ts`; no module state.
 */
import type { Credentials } from '../contracts/credentials.ts';
import type { Pool } from '../db/pool.ts';
import type { Limiter } from '../limiter/index.ts';
import type { CompiledSync } from '../providers/define-sync.ts';
import type { HttpSender } from './http/send.ts';

export interface ActivityDeps {
  readonly pool: Pool;
  readonly limiter: Limiter;
  readonly http: HttpSender;
  /** @throws Error when this worker does not have the sync. */
  readonly syncNamed: (name: string) => CompiledSync;
  readonly credentials: CredentialSource;
  /** Identity of the address that calls leave from; workers behind one NAT have the same. */
  readonly egress: string;
  /** Tells the workflow of a node, of the run with this workflow id, that it has new units. */
  readonly wake: (workflowId: string, node: string) => Promise<void>;
  readonly log: Log;
}

/** Where the secrets of accounts are kept. Bring your own by implementing this. */
export interface CredentialSource {
  /** @returns undefined when the account has none (public endpoints). */
  get(provider: string, account: string): Promise<Credentials | undefined>;
}

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
