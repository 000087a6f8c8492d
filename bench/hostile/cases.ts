/**
 * One case of the hostile matrix: the same answer every time, to one subject, until it has come to a typed end. The activities are the
 * real ones, called again as Temporal's retry policy does; their backoff is cut short, and a wait of more than some seconds is an end:
 * it says why and until when. Next: `answers.ts`.
 */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { performAction } from '../../activities/action/perform-action.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { fetchPage } from '../../activities/sync/fetch-page.ts';
import { openRunActivity } from '../../activities/run/run-activities.ts';
import type { Keyring } from '../../db/encryption.ts';
import { insertActionStep, nextUnits, type Pool } from '../../db/index.ts';
import { connectAccount } from '../../db/stores/account/connect-store.ts';
import {
  bearer,
  defineProvider,
  defineSync,
  emptyList,
  get,
  oauth2,
  post,
  rules,
  suspectAuth,
  when,
  window,
  type Action,
  type Provider,
  type Sync,
} from '../../providers/index.ts';
import type { AnswerKind } from './answers.ts';

/**
 * What the answer is given to. `write` has no way to find out what became of it; `repeatable` has an idempotency key. `submit`, `poll` and
 * `result` are the calls of a list that is ordered by a job.
 */
export const SUBJECTS = ['read', 'write', 'repeatable', 'refresh', 'probe', 'submit', 'poll', 'result'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface Case {
  readonly status: number;
  readonly kind: AnswerKind;
  readonly subject: Subject;
}

export interface CaseEnd {
  readonly of: Case;
  /** In words, as a workflow hears it. */
  readonly end: string;
  /** Undefined when all is well. */
  readonly mistake?: string;
}

/** What a worker has: definitions are looked up by name. */
export interface Definitions {
  readonly providers: Map<string, Provider>;
  readonly syncs: Map<string, Sync>;
  readonly actions: Map<string, Action>;
}

export interface Stage {
  readonly deps: ActivityDeps;
  readonly definitions: Definitions;
  readonly pool: Pool;
  readonly keyring: Keyring;
  readonly url: string;
}

export const MAX_ATTEMPTS = 3;
/** A wait that is longer is an end: it says why and until when. */
const LONGEST_WAIT_MS = 1_000;
const MOST_WAITS = 2;
/** A job is waited for besides. */
const MOST_WAITS_OF_JOBS = 6;
const MOST_ROUNDS = 40;
const ACCOUNT = 'acct';

export async function playCase(stage: Stage, of: Case): Promise<CaseEnd> {
  const id = `h-${of.status}-${randomUUID().slice(0, 13)}`;
  const provider = providerOf(stage, of, id);
  stage.definitions.providers.set(id, provider);
  try {
    const life = of.subject === 'refresh' ? { expiresAt: new Date().toISOString() } : {};
    const secrets = { accessToken: 'at-old-1234567890abcd', refreshToken: 'rt-old-1234567890abcd', ...life };
    await connectAccount(stage.pool, stage.keyring, { provider: id, account: ACCOUNT }, secrets);
    const attempt = isWrite(of) ? await writing(stage, of, provider) : await reading(stage, of, provider);
    return { of, ...(await untilEnd(attempt, isOrdered(of) ? MOST_WAITS_OF_JOBS : MOST_WAITS)) };
  } catch (error) {
    return { of, end: 'none', mistake: `it could not be played: ${String(error)}` };
  } finally {
    // Ten thousand definitions would be all the memory that is measured.
    for (const known of Object.values(stage.definitions) as Map<string, unknown>[])
      for (const name of known.keys()) if (name.startsWith(id)) known.delete(name);
  }
}

/** The most calls that a case may make to what answers it. */
export function mostCalls({ subject, status }: Case): number {
  // A refusal says that nothing was done; all else may have happened.
  const isRefused = [429, 425, 403].includes(status);
  if (subject === 'write' && !isRefused) return 1;
  // One whose fate is unknown is not made again.
  if (subject === 'submit' && !isRefused) return MAX_ATTEMPTS;
  // Asked for half as much where the third party says that it was too much, and each redirect may lead on.
  if (subject === 'read' || subject === 'poll' || subject === 'result')
    return MAX_ATTEMPTS * (status >= 300 && status < 400 ? 6 : 1) + 6;
  return MAX_ATTEMPTS + (subject === 'submit' ? 1 + MOST_WAITS_OF_JOBS : 3);
}

function isOrdered({ subject }: Pick<Case, 'subject'>): boolean {
  return subject === 'submit' || subject === 'poll' || subject === 'result';
}

export function isWrite({ subject }: Case): boolean {
  return subject === 'write' || subject === 'repeatable';
}

function providerOf({ url }: Stage, { status, kind, subject }: Case, id: string): Provider {
  const odd = `/${status}/${encodeURIComponent(kind)}/${subject}`;
  return defineProvider({
    id,
    baseUrl: url,
    auth: subject === 'refresh' ? oauth2({ tokenUrl: `${url}${odd}`, clientId: 'app' }) : bearer(),
    limits: [window('app', { by: ['app'], max: 1_000, perMs: 1_000 })],
    timeouts: { connectMs: 2_000, headersMs: 2_000, bodyMs: 1_000, totalMs: 1_500 },
    maxAttempts: MAX_ATTEMPTS,
    ...(subject === 'probe'
      ? { authProbe: get(odd), classify: rules([when(emptyList('items'), suspectAuth('an empty list'))]) }
      : {}),
  });
}

type Attempts = () => Promise<string | undefined>;

async function reading(stage: Stage, { status, kind, subject }: Case, provider: Provider): Promise<Attempts> {
  const odd = `/${status}/${encodeURIComponent(kind)}/${subject}`;
  const oddFor = (what: Subject): string => (subject === what ? odd : '/good');
  const path = isOrdered({ subject })
    ? oddFor('result')
    : subject === 'refresh'
      ? '/good'
      : subject === 'probe'
        ? '/empty'
        : odd;
  const Page = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullish() });
  const endpoint = provider.endpoint('items', {
    input: z.object({}),
    response: Page,
    request: (_, page) => get(path, { cursor: page.cursor, limit: page.size }),
    ...(isOrdered({ subject })
      ? {
          job: {
            submitted: z.looseObject({}),
            polled: z.looseObject({}),
            submit: () => post(oddFor('submit'), {}),
            id: () => 'job',
            poll: () => get(oddFor('poll')),
            state: () => ({ state: 'done' as const, results: ['the result'] }),
            pollMs: { first: 20, most: 20 },
          },
        }
      : {}),
    paginate: {
      kind: 'cursor',
      items: (page) => page.items,
      next: (page) => page.next,
      pageSize: { start: 20, min: 5 },
    },
  });
  const sync = defineSync(provider.id, { provider, input: z.object({}) }, (s) => ({
    list: s.one(endpoint, { input: () => ({}), key: ({ id }) => id }),
  }));
  stage.definitions.syncs.set(provider.id, sync);
  const runId = randomUUID();
  const workflowId = `sync/${provider.id}/${ACCOUNT}`;
  await openRunActivity(stage.deps, { runId, workflowId, sync: provider.id, account: ACCOUNT, input: {} });
  const [unit] = await nextUnits(stage.pool, runId, [{ node: 'list', inHand: [], room: 1 }]);
  if (!unit) throw new Error('the run has no list');
  const context = { workflowId, sync: provider.id, provider: provider.id, account: ACCOUNT, priority: 'bulk', weight: 1 } as const; // prettier-ignore
  return async () => {
    await stage.pool.query('update sluice.unit set retry_at = null where id = $1', [unit.id]);
    const fact = await fetchPage(stage.deps, { runId, node: 'list', unit: unit.id, context, mode: 'durable' });
    if (fact.state === 'more') return undefined;
    if (fact.state !== 'ended') return fact.state;
    const { rows } = await stage.pool.query<{ end_kind: string | null; reason: string | null }>(
      'select end_kind, reason from sluice.unit where id = $1',
      [unit.id],
    );
    const { end_kind: kindOfEnd, reason } = rows[0] ?? { end_kind: null, reason: null };
    if (kindOfEnd === null) throw new Error('the list has ended without a kind');
    if (kindOfEnd !== 'complete' && !reason) throw new Error(`the list has ended ${kindOfEnd} without a reason`);
    return `${kindOfEnd}: ${reason}`;
  };
}

async function writing(stage: Stage, of: Case, provider: Provider): Promise<Attempts> {
  const { status, kind, subject } = of;
  const action = provider.action('create', {
    input: z.object({}),
    output: z.object({ id: z.string() }),
    request: () => post(`/${status}/${encodeURIComponent(kind)}/${subject}`, {}),
    ...(subject === 'repeatable' ? { idempotent: true } : {}),
  });
  stage.definitions.actions.set(action.definition.id, action);
  const workflowId = `action/${action.definition.id}/${ACCOUNT}/${randomUUID()}`;
  const step = { workflowId, rootWorkflowId: workflowId, provider: provider.id, action: 'create', account: ACCOUNT };
  await insertActionStep(stage.pool, { ...step, tenant: ACCOUNT, input: {} });
  const life: { lastSending?: number } = {};
  return async () => {
    const told = { ...life, tellSending: (sending: number) => void (life.lastSending = sending) };
    const fact = await performAction(stage.deps, { workflowId, priority: 'interactive', weight: 1 }, told);
    return fact.state === 'done' ? 'done' : undefined;
  };
}

/** What the retry policy does with what an attempt throws. */
async function untilEnd(
  attempt: Attempts,
  mostWaits: number,
): Promise<{ readonly end: string; readonly mistake?: string }> {
  for (let round = 0, waits = 0; round < MOST_ROUNDS; round++) {
    try {
      const end = await attempt();
      if (end !== undefined) return judged(end);
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) return { end: 'none', mistake: `untyped: ${String(error)}` };
      if (error.nonRetryable) return judged(`${error.type}: ${error.message}`);
      const delayMs = Number(error.nextRetryDelay ?? 0);
      if (error.type === 'Waiting' && (delayMs > LONGEST_WAIT_MS || ++waits > mostWaits))
        return judged(`waits: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, error.type === 'Waiting' ? delayMs : 5));
    }
  }
  return { end: 'none', mistake: `no end after ${MOST_ROUNDS} rounds` };
}

/** An error of ours is typed only because nobody knew of it. */
function judged(end: string): { readonly end: string; readonly mistake?: string } {
  return /unexpected [A-Z]\w*(Error|:)/.test(end) ? { end, mistake: 'it met an error of ours' } : { end };
}
