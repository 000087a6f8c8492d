/**
 * What callers at a held gate may do: go, as the one that finds out or with others that come back, or wait. Callers of
 * one process ask the gate's row together. Used by: `breaker.ts`. Next: `gate-store.ts`, then `transitions.ts`.
 */
import { LimiterUnavailable } from '../errors.ts';
import type { Gate, Turn } from './gate.ts';
import type { GateStore } from './gate-store.ts';
import { admit, waitMs, type Admission, type Caller } from './transitions.ts';

/** A caller waits so long where other workers changed the row each time. */
const LOST_WAIT_MS = 200;

/** Callers of one process ask together. @throws LimiterUnavailable when the store can't be asked. */
export function askGate(store: GateStore, gate: Gate, caller: Caller): Promise<Turn> {
  return new Promise((resolve, reject) => {
    gate.asking.push({ caller, resolve, reject });
    if (gate.isBusy) return;
    gate.isBusy = true;
    // After this turn of the event loop, so that all who were sent away together are there to take turns.
    setImmediate(() => void answerAll(store, gate));
  });
}

async function answerAll(store: GateStore, gate: Gate): Promise<void> {
  while (gate.asking.length > 0) {
    const { asking } = gate;
    gate.asking = [];
    try {
      const turns = await turnsFor(
        store,
        gate,
        asking.map(({ caller }) => caller),
      );
      for (const [index, { resolve }] of asking.entries()) resolve(turns(index));
    } catch (error) {
      for (const { reject } of asking) reject(new LimiterUnavailable(error));
    }
  }
  gate.isBusy = false;
}

async function turnsFor(store: GateStore, gate: Gate, callers: readonly Caller[]): Promise<(index: number) => Turn> {
  let admission: Admission | undefined;
  const changed = await store.change(gate, (state, atMs, isPaused) => {
    admission = isPaused ? undefined : admit(state, atMs, callers);
    return admission?.state ?? state;
  });
  if (changed === 'lost') return () => ({ kind: 'wait', waitMs: LOST_WAIT_MS, detail: `${gate.name} is failing` });
  if (changed === undefined || admission === undefined) return () => ({ kind: 'not-failing' });
  const { admitted, probe, state } = admission;
  return (index) => {
    if (index < admitted || index === probe) return { kind: 'go', isProbe: index === probe };
    // Back by degrees: each at the time when its turn should come.
    const place = state.phase === 'recovering' ? index - admitted : gate.sentAway++;
    return { kind: 'wait', ...waitAtGate(gate, place, callers[index]!) };
  };
}

/** How long a caller at this place waits at a held gate, and why. */
export function waitAtGate(
  gate: Gate,
  place: number,
  caller: Caller,
): { readonly waitMs: number; readonly detail: string } {
  const { state, atMs, at } = gate.known!;
  const nowMs = atMs + performance.now() - at;
  const because = state.reason === '' ? '' : ` (${state.reason})`;
  const since = new Date(state.sinceMs).toISOString();
  const next =
    state.phase === 'recovering'
      ? 'it answers again, and calls come back by degrees'
      : nowMs < state.probeAtMs
        ? `next probe at ${new Date(state.probeAtMs).toISOString()}`
        : 'a probe is on its way';
  return {
    waitMs: waitMs(state, nowMs, place, caller),
    detail: `${gate.name} is failing since ${since}${because}: ${next}`,
  };
}
