/**
 * What one attempt at a page works with. Used by: the other files of this folder.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import type { JobResult, JobTold } from '../../contracts/job.ts';
import type { FetchPageInput, PageFact } from '../../contracts/messages.ts';
import type { PageSizeKey } from '../../db/stores/sync/page-size-store.ts';
import { newChange } from '../../db/new-change.ts';
import type { LoadedUnit, UnitFence } from '../../db/stores/sync/unit-store.ts';
import type { CompiledSync, NodeDefinition } from '../../providers/define/define-sync.ts';
import type { PageRequest } from '../../providers/pagination/options.ts';
import type { ListState } from '../../providers/pagination/step.ts';
import type { ActivityDeps } from '../deps.ts';
import type { UnitMemory } from './unit-cache.ts';

/** What is known before the unit is read. */
export interface Asked {
  readonly deps: ActivityDeps;
  readonly request: FetchPageInput;
  readonly sync: CompiledSync;
  readonly memory: UnitMemory;
}

/** Everything that one attempt works with. */
export interface Attempt extends Asked {
  readonly node: NodeDefinition;
  readonly unit: LoadedUnit;
  /** The account, with its settings. */
  readonly of: AccountFacts;
  /** What the functions of the node are given as its parent: the latest row of it, or the run's input. */
  readonly parent: unknown;
  /** The endpoint's input, for this unit's parent. */
  readonly input: unknown;
  /** Items that a page may have at the moment; what is asked for may be less. */
  readonly pageSize: number;
  readonly asked: PageRequest;
  /** The request asks for the size that it is given. */
  readonly isSizable: boolean;
  /** Another attempt has moved the unit since the workflow was told of it. */
  readonly hasMoved: boolean;
  /** The job whose result is read, and in how many parts it is. */
  readonly job?: { readonly result: JobResult; readonly parts: number; readonly told: JobTold };
  /** The call that the page came with has been counted: it is a further piece of a file, or nothing was to be read. */
  readonly isCounted?: boolean;
  /** Watermark or checkpoint that the list is asked from. */
  readonly since: string | undefined;
  /** When `unit` was read from the database, `performance.now()`. */
  readonly readAt: number;
}

/** Where the page size that works is kept. */
export function pageSizeKey({ request, node }: Attempt): PageSizeKey {
  return { provider: request.context.provider, endpoint: node.endpoint.name, account: request.context.account };
}

/**
 * What a change of the unit names, drawn for it before its first try.
 * @param pages as the caller saw them; undefined: as the workflow was told last.
 */
export function fenceOf({ request }: Asked, pages = request.pages): UnitFence {
  return { unit: request.unit, run: request.runId, node: request.node, pages: pages ?? 0, change: newChange() };
}

/**
 * Whether another attempt has moved the unit since its workflow was told of it: its worker was lost, or came late. Nobody has told
 * the workflow then what those pages have brought. @param pages of the unit now.
 */
export function hasMoved({ request }: Asked, pages: number): boolean {
  return (request.pages ?? 0) !== pages;
}

/** Where the list stands, for pagination. */
export function stateOf({ unit, asked, pageSize, isSizable }: Attempt): ListState {
  const { position, pages, items, rows, guard, attempts, isLaned, given, beyond, followed, closed } = unit;
  const ofEndpoint = { given, isSizable, beyond, followed, closed };
  return { position, asked, mayAsk: pageSize, pages, items, rows, guard, attempts, isLaned, ...ofEndpoint };
}

/** Calls that the page took. */
export function callsOf({ isCounted }: Attempt): 0 | 1 {
  return isCounted ? 0 : 1;
}

/** The call was not made, or brought no page; `because` is for people. */
export function later({ unit }: FetchPageInput, because: string, delayMs: number): PageFact {
  return { unit, state: 'later', because, inMs: Math.max(0, Math.ceil(delayMs)) };
}

/** What the database's clock shows now, in epoch milliseconds, as far as it was heard when the unit was read. */
export function databaseNow({ clockMs }: Pick<LoadedUnit, 'clockMs'>): number {
  return clockMs + performance.now();
}
