/**
 * A span for each start, and its name for the run or action that follows: calls become its children, whatever process makes them.
 * Used by: `client/start-workflow.ts`.
 */
import { traceparentOf, type Traceparent } from '../../contracts/trace.ts';
import { loadOpenTelemetry } from './load-open-telemetry.ts';

export interface StartTracer {
  /** @param start told the span's name, for the input of what is started. */
  traced<Result>(name: string, start: (trace?: Traceparent) => Promise<Result>): Promise<Result>;
}

export const WITHOUT_TRACING: StartTracer = { traced: (_, start) => start() };

/** @throws Error when `@opentelemetry/api` is not installed. */
export async function createStartTracer(): Promise<StartTracer> {
  const { context, SpanKind, SpanStatusCode, trace } = await loadOpenTelemetry();
  const tracer = trace.getTracer('sluice');
  return {
    traced: async (name, start) => {
      const span = tracer.startSpan(name, { kind: SpanKind.PRODUCER }, context.active());
      try {
        return await start(traceparentOf(span.spanContext()));
      } catch (error) {
        span.recordException(error as Error);
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
  };
}
