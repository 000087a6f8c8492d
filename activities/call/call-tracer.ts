/**
 * A span for each call of a third party, where a worker traces. The worker brings the one of OpenTelemetry (`workers/tracing.ts`);
 * without it nothing is done. Used by: `make-call.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import type { OutcomeKind } from '../../contracts/answers/outcome.ts';
import type { Traceparent } from '../../contracts/trace.ts';

export interface TracedCall {
  readonly provider: string;
  /** Endpoint or action. */
  readonly endpoint: string;
  readonly account: string;
  readonly method: string;
  /** Address without what authenticates; only its host is told. */
  readonly url: string;
  /** What the run or action was started with. */
  readonly trace?: Traceparent | undefined;
}

export interface CallSpan {
  /** To be sent along, where the third party is to know of the trace. */
  readonly headers: Readonly<Record<string, string>>;
  end(answer: Answer, outcome: OutcomeKind | 'redirected' | 'not-sent'): void;
}

export interface CallTracer {
  begin(call: TracedCall): CallSpan;
}

const NO_SPAN: CallSpan = { headers: {}, end: () => {} };

export function beginSpan(tracer: CallTracer | undefined, call: TracedCall): CallSpan {
  return tracer?.begin(call) ?? NO_SPAN;
}
