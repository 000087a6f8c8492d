/**
 * The connection to Temporal. Commands go on without one: most of what an operator asks is known to Postgres. Used by `connect.ts`.
 */
import { Connection, type ConnectionOptions } from '@temporalio/client';

/**
 * @param onAway told that nobody answers: then the connection that comes back refuses every call with the same error. Default: it is thrown.
 * @throws Error when no server answers.
 */
export async function reachTemporal(options: ConnectionOptions, onAway?: (away: Error) => void): Promise<Connection> {
  try {
    return await Connection.connect(options);
  } catch (error) {
    const away = new Error(
      `No Temporal server answers at ${options.address}. Is it running? \`npx sluice dev\` starts one.`,
      { cause: error },
    );
    if (!onAway) throw away;
    onAway(away);
    const refuse = (): never => {
      throw away;
    };
    // In the place of the one that calls again.
    return Connection.lazy({ ...options, interceptors: [refuse] });
  }
}
