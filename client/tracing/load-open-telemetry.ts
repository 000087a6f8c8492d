/** The API of OpenTelemetry, an optional peer: loaded only where somebody traces. Used by: client and workers. */
type OpenTelemetry = typeof import('@opentelemetry/api');

/** @throws Error that says what to install. */
export async function loadOpenTelemetry(): Promise<OpenTelemetry> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    throw new Error('`tracing` needs @opentelemetry/api, which is not installed: npm install @opentelemetry/api', {
      cause: error,
    });
  }
}
