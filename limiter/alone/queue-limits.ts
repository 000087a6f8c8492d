/**
 * Limits by the names of p-queue and bottleneck, where they mean the same. Next: `define-limits.ts`.
 */
import { bucket, inflight, window, type LimitDeclaration } from '../../providers/limits.ts';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';

export interface QueueOptions {
  /** p-queue: calls at once. */
  readonly concurrency?: number;
  /** bottleneck: the same. */
  readonly maxConcurrent?: number;
  /** p-queue: at most so many calls in any `interval`. */
  readonly intervalCap?: number;
  /** In milliseconds. */
  readonly interval?: number;
  /** bottleneck: at most so many calls in any `reservoirRefreshInterval`. */
  readonly reservoirRefreshAmount?: number;
  /** In milliseconds. */
  readonly reservoirRefreshInterval?: number;
  /** bottleneck: milliseconds between two calls. */
  readonly minTime?: number;
}

const KNOWN: NamesOf<QueueOptions> = {
  concurrency: true,
  maxConcurrent: true,
  intervalCap: true,
  interval: true,
  reservoirRefreshAmount: true,
  reservoirRefreshInterval: true,
  minTime: true,
};

/**
 * Counted for the whole app, by all processes together.
 * @returns declarations for `defineLimits`.
 * @throws TypeError with all that is wrong.
 */
export function queueLimits(options: QueueOptions): readonly LimitDeclaration[] {
  const by = ['app'] as const;
  const { minTime } = options;
  const most = options.concurrency ?? options.maxConcurrent;
  const max = options.intervalCap ?? options.reservoirRefreshAmount;
  const perMs = options.interval ?? options.reservoirRefreshInterval;
  const mistakes = unknownOptions(options, KNOWN);
  if ((max === undefined) !== (perMs === undefined))
    mistakes.push(
      '`intervalCap` and `interval` (`reservoirRefreshAmount` and `reservoirRefreshInterval`) belong together',
    );
  if (most === undefined && max === undefined && minTime === undefined) mistakes.push('it states no limit');
  if (mistakes.length > 0) throw new TypeError(`queueLimits(): ${mistakes.join('; ')}`);
  return [
    ...(most === undefined || most === Infinity ? [] : [inflight('at once', { by, max: most })]),
    ...(max === undefined || perMs === undefined || max === Infinity ? [] : [window('interval', { by, max, perMs })]),
    ...(minTime === undefined || minTime === 0
      ? []
      : [bucket('min time', { by, perSecond: 1_000 / minTime, burst: 1, guardMs: 0 })]),
  ];
}
