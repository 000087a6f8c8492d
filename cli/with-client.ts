/**
 * A connected client for the time of one command. The libraries behind it take a second, so they are loaded when a command runs.
 */
import type { Sluice } from '../client/index.ts';
import { actorOf, type ActingOptions } from './acting.ts';

/** @param options of the command: who acts, and why. */
export async function withClient(work: (sluice: Sluice) => Promise<void>, options?: ActingOptions): Promise<void> {
  const { connect } = await import('../client/index.ts');
  const sluice = await connect();
  try {
    await work(sluice.as(actorOf(options)));
  } finally {
    await sluice.close();
  }
}
