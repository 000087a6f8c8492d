/**
 * A connected client for the time of one command. The libraries behind it take a second, so they are loaded when a command runs.
 */
import type { Sluice } from '../client/index.ts';

export async function withClient(work: (sluice: Sluice) => Promise<void>): Promise<void> {
  const { connect } = await import('../client/index.ts');
  const sluice = await connect();
  try {
    await work(sluice);
  } finally {
    await sluice.close();
  }
}
