/**
 * A connected client for the time of one command. Where Temporal is away, what needs the database alone is done all the same. The
 * libraries behind it take a second, so they are loaded when a command runs.
 */
import type { Sluice } from '../client/index.ts';
import { actorOf, type ActingOptions } from './acting.ts';

const ASKS_TEMPORAL = 'This needs Temporal: try again when it answers.';

/** @param options of the command: who acts, and why. */
export async function withClient(work: (sluice: Sluice) => Promise<void>, options?: ActingOptions): Promise<void> {
  const { connect } = await import('../client/index.ts');
  let isAway = false;
  const sluice = await connect({}, ({ message }) => {
    isAway = true;
    console.error(`${message} Postgres is asked alone.`);
    process.exitCode = 1;
  });
  try {
    await work(sluice.as(actorOf(options)));
  } catch (error) {
    throw isAway && (error as Error).name === 'ServiceError' ? new Error(ASKS_TEMPORAL, { cause: error }) : error;
  } finally {
    await sluice.close();
  }
}
