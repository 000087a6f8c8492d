/**
 * A world in virtual time: workers with calls in flight, clients that give out permits, a hidden server. Hours pass in
 * milliseconds, and the same seed gives the same run. Next: `bench/learned/policies.ts` (the clients).
 */
import { hiddenServer, seeded } from './servers.ts';
import type { Answer, HiddenServer, ServerSpec } from './servers.ts';

/** Somebody who says when the next call may be sent: our limiter, or a peer. */
export interface Client {
  /** The earliest time a permit can be had, if nothing else happens; ≤ now: at once. */
  nextMs(nowMs: number): number;
  /** Takes the permit that `nextMs` promised; what is returned comes back with the answer. */
  take(nowMs: number): number;
  /** An answer came. Returns how long this worker sleeps before it wants to send again (0 for clients that pace). */
  answered(nowMs: number, worker: number, permit: number, answer: Answer): number;
  /** Something to do at a time of its own, for example to flush counts. */
  timerMs?(): number;
  timer?(nowMs: number): void;
  /** Whether workers wait for a permit from now on. */
  waiting?(nowMs: number, isWaiting: boolean): void;
  /** For plots: the rate given out at present. */
  ratePerSecond?(): number;
}

export interface WorldSpec {
  readonly server: ServerSpec;
  readonly durationMs: number;
  readonly workers: number;
  readonly seed: number;
  /** Mean time of a call; each one takes 50 … 150 % of it. */
  readonly latencyMs: number;
  /** A busy machine: from time to time nothing happens on our side, for up to so many milliseconds. */
  readonly stallMs?: number;
  /** Calls a second that are asked for; absent: as many as can be had. */
  readonly demandPerSecond?: (nowMs: number) => number;
}

/** What happened, in bins of one second, on the server's clock. */
export interface Run {
  readonly accepted: Uint32Array;
  readonly refused: Uint32Array;
  readonly failed: Uint32Array;
  readonly asked: Uint32Array;
  readonly rate: Float32Array;
  readonly server: HiddenServer;
}

type Kind = 'arrive' | 'answer' | 'wake' | 'want' | 'timer' | 'job';

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly kind: Kind;
  readonly client: number;
  readonly worker: number;
  readonly permit: number;
  readonly answer?: Answer;
  readonly doneMs?: number;
}

/** Earliest first; ties in the order of scheduling. */
class Agenda {
  readonly heap: Happening[] = [];

  push(item: Happening): void {
    const heap = this.heap;
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = item;
  }

  pop(): Happening | undefined {
    const heap = this.heap;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

/** @returns what says when something that is due happens: at once, or when all go on. */
function stalls({ stallMs, durationMs, seed }: WorldSpec): (atMs: number) => number {
  if (stallMs === undefined) return (atMs) => atMs;
  const random = seeded(seed + 1);
  const found: { readonly fromMs: number; readonly toMs: number }[] = [];
  for (let atMs = 0; atMs < durationMs;) {
    const fromMs = atMs - Math.log(1 - random()) * 4 * stallMs;
    atMs = fromMs + stallMs * random();
    found.push({ fromMs, toMs: atMs });
  }
  return (atMs) => {
    let low = 0;
    let high = found.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (found[middle]!.toMs <= atMs) low = middle + 1;
      else high = middle;
    }
    const next = found[low];
    return next !== undefined && next.fromMs < atMs ? next.toMs : atMs;
  };
}

function before(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Lets a world run to its end. `clients` share the workers evenly: one for a shared limiter, many for independent ones. */
export function run(spec: WorldSpec, makeClient: (index: number) => Client, clients = 1): Run {
  const server = hiddenServer(spec.server, spec.seed);
  return runOn(server, spec, makeClient, clients);
}

/** Like `run`, on a given server (the oracle looks into it). */
export function runOn(server: HiddenServer, spec: WorldSpec, makeClient: (index: number) => Client, clients = 1): Run {
  const random = seeded(spec.seed);
  const bins = Math.ceil(spec.durationMs / 1000) + 1;
  const result: Run = {
    accepted: new Uint32Array(bins),
    refused: new Uint32Array(bins),
    failed: new Uint32Array(bins),
    asked: new Uint32Array(bins),
    rate: new Float32Array(bins),
    server,
  };
  const agenda = new Agenda();
  const sides = Array.from({ length: clients }, (_, index) => ({
    client: makeClient(index),
    queue: [] as number[],
    wakeMs: Number.POSITIVE_INFINITY,
    timerMs: Number.POSITIVE_INFINITY,
    isWaiting: false,
  }));
  let order = 0;
  const plan = (
    kind: Kind,
    atMs: number,
    client: number,
    worker = 0,
    permit = 0,
    rest?: { answer?: Answer; doneMs?: number },
  ): void => {
    order += 1;
    agenda.push({
      kind,
      atMs: kind === 'arrive' || kind === 'job' ? atMs : late(atMs),
      order,
      client,
      worker,
      permit,
      ...rest,
    });
  };
  const late = stalls(spec);
  const idle: number[] = [];
  let backlog = 0;
  const bin = (nowMs: number): number => Math.min(bins - 1, Math.floor(nowMs / 1000));
  const bump = (counts: Uint32Array, nowMs: number): void => {
    const i = bin(nowMs);
    counts[i] = (counts[i] ?? 0) + 1;
  };

  /** Gives out what can be had now and plans the next look. */
  const serve = (index: number, nowMs: number): void => {
    const side = sides[index]!;
    while (side.queue.length > 0) {
      const nextMs = side.client.nextMs(nowMs);
      if (nextMs > nowMs) {
        if (nextMs < side.wakeMs && nextMs < Number.POSITIVE_INFINITY) {
          side.wakeMs = late(nextMs);
          plan('wake', nextMs, index);
        }
        break;
      }
      const worker = side.queue.shift()!;
      const permit = side.client.take(nowMs);
      const latencyMs = spec.latencyMs * (0.5 + random());
      plan('arrive', nowMs + latencyMs / 2, index, worker, permit, { doneMs: nowMs + latencyMs });
    }
    const isWaiting = side.queue.length > 0;
    if (isWaiting !== side.isWaiting) {
      side.isWaiting = isWaiting;
      side.client.waiting?.(nowMs, isWaiting);
    }
    const timerMs = side.client.timerMs?.() ?? Number.POSITIVE_INFINITY;
    if (timerMs < side.timerMs) {
      side.timerMs = late(timerMs);
      plan('timer', Math.max(nowMs, timerMs), index);
    }
  };
  const want = (worker: number, nowMs: number): void => {
    if (spec.demandPerSecond) {
      if (backlog === 0) {
        idle.push(worker);
        return;
      }
      backlog -= 1;
    }
    const index = worker % clients;
    sides[index]!.queue.push(worker);
    serve(index, nowMs);
  };

  for (let worker = 0; worker < spec.workers; worker += 1) plan('want', random() * 10, worker % clients, worker);
  if (spec.demandPerSecond) plan('job', 0, 0);
  let plotted = -1;
  for (;;) {
    const item = agenda.pop();
    if (!item || item.atMs > spec.durationMs) break;
    const { atMs, client: index, worker } = item;
    const side = sides[index]!;
    for (; plotted < bin(atMs); plotted += 1) result.rate[plotted + 1] = side.client.ratePerSecond?.() ?? 0;
    switch (item.kind) {
      case 'want':
        want(worker, atMs);
        break;
      case 'job': {
        const perSecond = spec.demandPerSecond?.(atMs) ?? 0;
        bump(result.asked, atMs);
        if (perSecond > 0) {
          const free = idle.pop();
          backlog += 1;
          if (free !== undefined) want(free, atMs);
        }
        plan('job', atMs + (perSecond > 0 ? (-Math.log(1 - random()) * 1000) / perSecond : 1000), 0);
        break;
      }
      case 'arrive': {
        const answer = server.arrive(atMs);
        bump(answer.kind === 'ok' ? result.accepted : answer.kind === 'refused' ? result.refused : result.failed, atMs);
        plan('answer', item.doneMs ?? atMs, index, worker, item.permit, { answer });
        break;
      }
      case 'answer': {
        const sleepMs = side.client.answered(atMs, worker, item.permit, item.answer ?? { kind: 'failed' });
        if (item.answer?.kind !== 'ok' && spec.demandPerSecond) backlog += 1;
        if (sleepMs > 0) plan('want', atMs + sleepMs, index, worker);
        else want(worker, atMs);
        serve(index, atMs);
        break;
      }
      case 'wake':
        if (atMs < side.wakeMs) break;
        side.wakeMs = Number.POSITIVE_INFINITY;
        serve(index, atMs);
        break;
      case 'timer':
        // Planned again for an earlier time meanwhile: that one did the work.
        if (atMs < side.timerMs) break;
        side.timerMs = Number.POSITIVE_INFINITY;
        side.client.timer?.(atMs);
        serve(index, atMs);
        break;
      default:
        item.kind satisfies never;
    }
  }
  return result;
}
