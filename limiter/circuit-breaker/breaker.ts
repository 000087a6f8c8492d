/**
 * The breakers of a provider: one for the whole of it and one for each endpoint. While one is open its gate is held, and one call at
 * a time finds out whether it is back. Gates are read with every acquire anyway, so a healthy provider costs nothing here; only who
 * meets a held gate asks its row (`ask-gate.ts`). The law is pure, in `transitions.ts`. Called by
 * `limiter/acquire/acquire.ts`. Next: `limiter/acquire/batcher.ts`, by way of `guard`.
 */
import type { PreparedCall, TimedDecision } from '../acquire/encode-batch.ts';
import type { Pool } from '../../db/pool.ts';
import type { CallGate, Observation, Permit } from '../types.ts';
import { countEnd, newGate, type Gate, type Turn } from './gate.ts';
import { askGate, waitAtGate } from './ask-gate.ts';
import { createGateStore } from './gate-store.ts';
import type { Caller } from './transitions.ts';

type Decide = (lane: string, call: PreparedCall) => Promise<TimedDecision>;

export interface Breaker {
  /** The decision on a call, the gates' own one included. */
  readonly guard: (decide: Decide) => Decide;
  /** Counts how a call ended; of a probe it is told at once. Never fails: what can't be stored is told later. */
  readonly report: (permit: Permit, observation: Observation) => Promise<void>;
  readonly stop: () => void;
}

/** Failures are told soon; answers alone only so often that an old failure is not the last that was heard. */
const TELL_FAILURES_MS = 200;
const TELL_ANSWERS_MS = 5_000;
/** Of a probe that was not sent. */
const NOTHING = { ok: 0, failed: 0, probe: 'none' } as const;

export function createBreaker(pool: Pool): Breaker {
  const gates = new Map<number, Gate>();
  const store = createGateStore(pool);
  let isStopped = false;

  return { guard, report, stop };

  function guard(decide: Decide): Decide {
    return async (lane, call) => {
      if (call.renews !== undefined) return decide(lane, call);
      const caller = callerOf(call);
      for (const gate of gatesOf(call.gates)) {
        if (gate.known && performance.now() < gate.heldUntil)
          return denied(gate, waitAtGate(gate, gate.sentAway++, caller));
      }
      const probed: Gate[] = [];
      const passed: number[] = [];
      for (;;) {
        const decision = await decide(lane, passed.length === 0 ? call : { ...call, passes: passed });
        if (decision.granted)
          return probed.length === 0 ? decision : { ...decision, probeOf: probed.map(({ id }) => id) };
        const gate = decision.cause === 'gate' ? gateNamed(call, decision.gate) : undefined;
        const turn: Turn = gate ? await askGate(store, gate, caller) : { kind: 'not-failing' };
        if (gate && turn.kind === 'go') {
          passed.push(gate.id);
          if (!turn.isProbe) continue;
          probed.push(gate);
          // Who finds out whether the provider is back does not wait for the turn of its endpoint beside that.
          if (gate.isWhole) for (const { id } of call.gates) if (!passed.includes(id)) passed.push(id);
          continue;
        }
        // Another limit has no room, or another gate: somebody else may find out.
        await Promise.all(probed.map((given) => store.tell(given, NOTHING)));
        return gate && turn.kind === 'wait' ? denied(gate, turn) : decision;
      }
    };
  }

  async function report(permit: Permit, observation: Observation): Promise<void> {
    if (isStopped) return;
    const { result, reason } = observation;
    const isSilent = result === 'not-sent' || observation.isEndedByUs === true;
    const says = isSilent ? 'none' : result === 'failed' ? 'failed' : 'ok';
    for (const gate of gatesOf(permit.gates)) {
      if (permit.probeOf?.includes(gate.id)) {
        await store.tell(gate, { ok: 0, failed: 0, probe: says, ...(reason === undefined ? {} : { reason }) });
        continue;
      }
      if (says === 'none') continue;
      const isNew = countEnd(gate, {
        says,
        callKey: permit.callKey,
        endpoint: permit.endpoint,
        isUnreachable: observation.isUnreachable === true,
        isMaybeItsOwn: observation.isMaybeItsOwn === true,
        reason,
      });
      if (isNew) store.tellLater(gate, says === 'failed' ? TELL_FAILURES_MS : TELL_ANSWERS_MS);
    }
  }

  function stop(): void {
    isStopped = true;
    store.stop();
  }

  function gatesOf(list: readonly CallGate[]): Gate[] {
    return list.map(({ id, key }, index) => {
      let gate = gates.get(id);
      if (gate === undefined) gates.set(id, (gate = newGate(id, key.replace('/*', ''), index === 0)));
      return gate;
    });
  }

  function gateNamed(call: PreparedCall, id: number | undefined): Gate | undefined {
    return gatesOf(call.gates).find((gate) => gate.id === id);
  }
}

function callerOf({ endpoint, account }: PreparedCall): Caller {
  return { endpoint: endpoint ?? '', account };
}

function denied(gate: Gate, wait: { readonly waitMs: number; readonly detail: string }): TimedDecision {
  return {
    granted: false,
    cause: 'failing',
    bucket: -1,
    gate: gate.id,
    waitMs: wait.waitMs,
    ahead: 0,
    untilMs: undefined,
    detail: wait.detail,
    decidedAt: performance.now(),
    lateMs: 0,
  };
}
