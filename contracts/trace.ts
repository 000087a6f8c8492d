/**
 * The trace that a run or an action belongs to, by the W3C's `traceparent`. It goes along in inputs of workflows and
 * activities, so that histories need no interceptors and stay as they are. Next: `activities/call/call-tracer.ts`.
 * @see https://www.w3.org/TR/trace-context/
 */

/** `00-<trace>-<span>-<flags>`. */
export type Traceparent = string;

export interface TraceparentParts {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** @returns undefined when it is none. */
export function parseTraceparent(text: string): TraceparentParts | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text) ?? [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

export function traceparentOf({ traceId, spanId, traceFlags }: TraceparentParts): Traceparent {
  return `00-${traceId}-${spanId}-${(traceFlags % 256).toString(16).padStart(2, '0')}`;
}
