/** The limiter's failures. */

/**
 * The permit store can't be asked. No permit was given: without the store nobody may call. What was taken by a request
 * whose answer was lost stays counted.
 *
 * Retry later, with backoff; the limiter recovers by itself when the store is back.
 */
export class LimiterUnavailable extends Error {
  override readonly name = 'LimiterUnavailable';

  constructor(cause: unknown) {
    super(
      `The limiter's store did not answer, so no call may be made: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}
