/**
 * A batch of waiting calls as the arguments of one statement, and its result as one decision per call.
 * Used by: `batcher.ts`. Next: `limiter/statements.ts` has the statement, `db/functions/limiter/acquire/acquire.sql` decides.
 */
import type { Priority } from '../../contracts/limits/limit.ts';
import type { CallGate } from '../types.ts';

/** One call, ready to be sent: charges of the same bucket are summed. */
export interface PreparedCall {
  readonly callKey: string;
  readonly account: string;
  readonly weight: number;
  readonly priority: Priority;
  readonly endpoint?: string;
  readonly gates: readonly CallGate[];
  /**
   * The slots of a permit that was not sent in time: it is to be counted now instead of then, which takes no room. Denied
   * when its time is over, or something was blocked meanwhile.
   */
  readonly renews?: readonly number[];
  /** Ids of the gates whose breaker has let it through: they are not asked. */
  readonly passes?: readonly number[];
  /** Its permit was lost that way: it goes before all others of its class. */
  readonly goesFirst?: boolean;
  readonly bucketIds: readonly number[];
  readonly costs: readonly number[];
}

/** As `sluice.limit_acquire` names them; `failing` is the breaker's own. `gate`: a gate is shut, and not by a breaker that lets the call through. */
export type DenialCause = 'full' | 'blocked' | 'paused' | 'queue' | 'probing' | 'gate' | 'failing';

/** When a decision was made. */
export interface DecidedAt {
  /** `performance.now()`, never later than the database's own decision. */
  readonly decidedAt: number;
  /** The grant was counted this much later than it was made, so it may be sent later too. Milliseconds. */
  readonly lateMs: number;
}

export type Decision =
  | {
      readonly granted: true;
      /** By bucket, as in `bucketIds`. */ readonly slots: readonly number[];
      readonly epochs: readonly number[];
      /** Ids of the gates for which it finds out whether what fails is back. */
      readonly probeOf?: readonly number[];
    }
  | {
      readonly granted: false;
      readonly cause: DenialCause;
      /** Why, for people, when the cause alone does not say it. */
      readonly detail?: string;
      /** Index into `bucketIds`; -1 = a gate. */
      readonly bucket: number;
      /** The gate that is shut, by id. */
      readonly gate?: number;
      readonly waitMs: number;
      readonly ahead: number;
      readonly untilMs: number | undefined;
    };

export type TimedDecision = Decision & DecidedAt;

export interface BatchArguments {
  readonly ids: number[];
  readonly demand: number[];
  readonly gates: number[];
  /** Who asks, which is read only where not all can be granted. */
  readonly requests: () => string;
  readonly renewals: string | null;
  /** The calls as numbered in `requests`. */
  readonly order: readonly PreparedCall[];
}

/** Arrays of bigint arrive as strings. */
export interface BatchResult {
  readonly missing: readonly string[] | null;
  readonly lock_wait_us: number;
  /** Null: not all can be granted, and the requests were not sent; nothing was done. */
  readonly slots: readonly string[] | null;
  readonly epochs: readonly number[];
  readonly denied:
    | readonly [
        request: number,
        cause: DenialCause,
        position: number,
        waitUs: number,
        ahead: number,
        untilUs: number | null,
      ][]
    | null;
  readonly law_due: readonly string[] | null;
}

const PRIORITY_CLASS = { interactive: 0, bulk: 1, background: 2 } satisfies Record<Priority, number>;

export function encodeBatch(calls: readonly PreparedCall[]): BatchArguments {
  const demandById = new Map<number, number>();
  const gatePosition = new Map<number, number>();
  for (const call of calls) {
    for (const { id } of call.gates)
      if (!gatePosition.has(id) && isAsked(call, id)) gatePosition.set(id, gatePosition.size + 1);
    for (let i = 0; i < call.bucketIds.length; i++) {
      const id = call.bucketIds[i]!;
      demandById.set(id, (demandById.get(id) ?? 0) + (call.renews === undefined ? call.costs[i]! : 0));
    }
  }
  // Numeric order is the lock order of every statement.
  const ids = [...demandById.keys()].sort((a, b) => a - b);
  const position = new Map(ids.map((id, index) => [id, index + 1]));
  const renewals = calls.filter((call) => call.renews !== undefined);
  const asks = renewals.length === 0 ? calls : calls.filter((call) => call.renews === undefined);
  const gatePositions = (call: PreparedCall) =>
    call.gates.filter(({ id }) => isAsked(call, id)).map(({ id }) => gatePosition.get(id));
  const positions = (call: PreparedCall) => call.bucketIds.map((id) => position.get(id));
  return {
    ids,
    demand: ids.map((id) => demandById.get(id)!),
    gates: [...gatePosition.keys()],
    requests: () =>
      JSON.stringify(
        asks.map((call) => ({
          k: call.callKey,
          a: call.account,
          w: call.weight,
          c: PRIORITY_CLASS[call.priority],
          g: gatePositions(call),
          ...(call.goesFirst === true ? { f: true } : {}),
          b: positions(call),
          q: call.costs,
        })),
      ),
    renewals:
      renewals.length === 0
        ? null
        : JSON.stringify(
            renewals.map((call, index) => ({
              n: asks.length + index + 1,
              g: gatePositions(call),
              b: positions(call),
              s: call.renews,
              q: call.costs,
            })),
          ),
    order: renewals.length === 0 ? calls : [...asks, ...renewals],
  };
}

function isAsked({ passes }: PreparedCall, gate: number): boolean {
  return passes === undefined || !passes.includes(gate);
}

/** @param result whose slots are there. @returns one decision per call, in the order of `calls`. */
export function decodeBatch(
  calls: readonly PreparedCall[],
  sent: BatchArguments,
  result: BatchResult,
  { decidedAt, lateMs }: DecidedAt,
): TimedDecision[] {
  const granted = new Map(
    sent.ids.map((id, index) => [id, { slot: Number(result.slots![index]), epoch: result.epochs[index]! }]),
  );
  const deniedByRequest = new Map(result.denied?.map((entry) => [entry[0], entry]));
  const numberOf = result.denied === null ? undefined : new Map(sent.order.map((call, index) => [call, index + 1]));
  return calls.map((call) => {
    const denied = numberOf && deniedByRequest.get(numberOf.get(call)!);
    if (denied === undefined) {
      const slots: number[] = [];
      const epochs: number[] = [];
      for (const id of call.bucketIds) {
        const { slot, epoch } = granted.get(id)!;
        slots.push(slot);
        epochs.push(epoch);
      }
      return { granted: true, slots, epochs, decidedAt, lateMs };
    }
    const [, cause, at, waitUs, ahead, untilUs] = denied;
    return {
      granted: false,
      cause,
      ...(cause === 'gate'
        ? { bucket: -1, gate: sent.gates[at - 1]! }
        : { bucket: call.bucketIds.indexOf(sent.ids[at - 1]!) }),
      waitMs: waitUs / 1_000,
      ahead,
      untilMs: untilUs === null ? undefined : untilUs / 1_000,
      decidedAt,
      lateMs,
    };
  });
}
