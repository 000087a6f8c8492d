/**
 * Spans of calls by OpenTelemetry, an optional peer: a call is a child of what started its run or action.
 * Used by: `open-parts.ts`. Next: `activities/call/call-tracer.ts`.
 */
import type { CallTracer } from '../activities/index.ts';
import { loadOpenTelemetry } from '../client/tracing/load-open-telemetry.ts';
import { parseTraceparent, traceparentOf } from '../contracts/trace.ts';

export interface TracingOptions {
  /** Providers to which the header `traceparent` is sent. Default: none. */
  readonly sendTo?: readonly string[];
}

/** @throws Error when `@opentelemetry/api` is not installed. */
export async function createCallTracer({ sendTo = [] }: TracingOptions): Promise<CallTracer> {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await loadOpenTelemetry();
  const tracer = trace.getTracer('sluice');
  return {
    begin: (call) => {
      const parent = call.trace === undefined ? undefined : parseTraceparent(call.trace);
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
      const { hostname, port } = new URL(call.url);
      const attributes = {
        'http.request.method': call.method,
        'server.address': hostname,
        ...(port === '' ? {} : { 'server.port': Number(port) }),
        'sluice.provider': call.provider,
        'sluice.endpoint': call.endpoint,
        'sluice.account': call.account,
      };
      const span = tracer.startSpan(
        `${call.provider} ${call.endpoint}`,
        { kind: SpanKind.CLIENT, attributes },
        context,
      );
      return {
        headers: sendTo.includes(call.provider) ? { traceparent: traceparentOf(span.spanContext()) } : {},
        end: ({ status, error }, outcome) => {
          span.setAttribute('sluice.outcome', outcome);
          if (status > 0) span.setAttribute('http.response.status_code', status);
          if (error) span.setAttribute('error.type', error.code);
          if (error || status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
  };
}
