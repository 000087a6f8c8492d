/**
 * An action or a saga as `sluice status` shows it. It has its state, for whom and by whom, what it waits for, and what
 * to do about a write whose fate is unknown.
 */
import { quotedForShell } from '../../contracts/values/shell-word.ts';
import type { ActionStatus, Report, RunWait, SagaStepStatus } from '../../client/index.ts';
import { isCompensationId } from '../../contracts/names.ts';
import { counted } from '../../contracts/limits/limit-words.ts';
import { tookText } from './report.ts';

export function unknownText(workflowId: string): string {
  return `${workflowId}  unknown: no such action or saga; \`npx sluice reports\` names those that there are`;
}

export function actionText(
  workflowId: string,
  status: ActionStatus | undefined,
  report: Report | undefined,
  waits: readonly RunWait[],
): string {
  if (!status) return unknownText(workflowId);
  const { state, calls, error, errorType, idempotencyKey, resolvedBy } = status;
  const lines = [`${workflowId}  ${state}${report ? tookText(report) : ''}`];
  if (report) lines.push(`  ${whatFor(report)}`);
  lines.push(`  ${counted(calls, 'call')}; idempotency key ${idempotencyKey}`);
  if (resolvedBy !== null) lines.push(`  its fate was decided by ${resolvedBy}`);
  if (error !== null) lines.push(`  ${errorType === null ? '' : `${errorType}: `}${error}`);
  lines.push(...resolveHint(workflowId, errorType));
  return [...lines, ...waits.map(({ text }) => `  ${text}`)].join('\n');
}

export function sagaText(
  workflowId: string,
  report: Report,
  steps: readonly SagaStepStatus[],
  waits: readonly RunWait[],
): string {
  const lines = [`${workflowId}  ${report.status}${tookText(report)}`, `  ${whatFor(report)}`];
  if (report.error !== null) lines.push(`  ${report.errorType ?? 'error'}: ${report.error}`);
  for (const step of steps) {
    const { name, isCompensation, action, state, calls, error, errorType } = step;
    const why = error === null ? '' : `: ${errorType === null ? '' : `${errorType}, `}${error}`;
    lines.push(`  ${isCompensation ? 'take back ' : ''}${name}  ${state}  ${action}, ${counted(calls, 'call')}${why}`);
    lines.push(...resolveHint(step.workflowId, errorType));
  }
  return [...lines, ...waits.map(({ text }) => `  ${text}`)].join('\n');
}

function whatFor({ what, account, startedBy, startedAt }: Report): string {
  return `${what}; ${account}, by ${startedBy}, accepted ${startedAt}`;
}

/** What a write waits for that is left to a person. */
export function undecidedText(workflowId: string, errorType: string | null | undefined): string[] {
  const hint = resolveHint(workflowId, errorType);
  if (hint.length === 0) return [];
  const why =
    errorType === 'output-lost'
      ? 'its write happened, and its output is missing'
      : 'nobody knows whether its write happened';
  return [`It waits for a person: ${why}.`, ...hint];
}

/** What a person does about a write that is left to one; nothing about any other. */
function resolveHint(workflowId: string, errorType: string | null | undefined): string[] {
  const resolve = `    npx sluice actions resolve ${quotedForShell(workflowId)}`;
  if (errorType === 'output-lost')
    return [
      '  It is done. Look at the third party, then say what its output is:',
      `${resolve} --happened '{"id":"…"}'`,
    ];
  if (errorType !== 'unknown-write') return [];
  if (isCompensationId(workflowId))
    return [
      '  Look at the third party, then say whether the write was taken back:',
      `${resolve} --happened null`,
      `${resolve} --not-happened`,
      '    which sends nothing: take it back by hand',
    ];
  return [
    '  Look at the third party, then say what is true there:',
    `${resolve} --happened '{"id":"…"}'`,
    `${resolve} --not-happened`,
    // Its saga has ended.
    ...(workflowId.startsWith('saga/') ? ['    which closes this step: to have it done, start a new saga'] : []),
  ];
}
