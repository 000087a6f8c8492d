/**
 * One call of a job: to make it, to ask how it stands, to look whether it was made, or to cancel it. Used by: `prepare-job.ts`, `leave-job.ts`.
 * Next: `activities/call/make-call.ts`.
 */
import type { RequestSpec } from '../../contracts/answers/answer.ts';
import type { Job, JobCall } from '../../providers/define/compile/compile-job.ts';
import { makeCall, type MadeCall } from '../call/make-call.ts';
import { WAIT_IN_PLACE_MS, type SendGate, type Sent } from '../call/with-permit.ts';
import type { Attempt } from '../sync/attempt.ts';
import { requestBy, userCode } from '../sync/user-code.ts';

export interface AskOfJob {
  readonly kind: JobCall;
  readonly job: Job;
  readonly spec: () => RequestSpec;
  readonly gate?: SendGate;
  readonly signal: AbortSignal | undefined;
}

/** @throws UserCodeError with what a function of the definition throws before anything is sent. */
export function callOfJob(attempt: Attempt, { kind, job, spec, gate, signal }: AskOfJob): Promise<Sent<MadeCall>> {
  const { deps, request, sync, node, of, input } = attempt;
  const { endpoint } = node;
  const { context } = request;
  const what = `\`job.${kind === 'lookup' ? 'whenUnknown.lookup' : kind}\` of endpoint "${endpoint.name}"`;
  return makeCall(deps, {
    provider: sync.provider,
    ...of,
    callKey: `unit/${request.unit}`,
    endpoint: `${endpoint.name}.${kind}`,
    charges: userCode(`a limit of provider "${sync.provider.id}"`, () =>
      endpoint.jobCharges(kind, { ...of, ip: deps.egress, input, pageSize: 0 }),
    ),
    weight: context.weight,
    priority: context.priority,
    trace: context.trace,
    maxWaitMs: WAIT_IN_PLACE_MS,
    spec: requestBy(what, spec),
    decide: (answer) => job.decide(kind, answer),
    totalMs: endpoint.totalTimeoutMs,
    isWrite: kind === 'submit' || kind === 'cancel',
    ...(gate ? { gate } : {}),
    ...(signal ? { signal } : {}),
  });
}
