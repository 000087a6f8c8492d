/**
 * The attempt at a page of a list: how the list stands, and what is to be asked for. Used by: `fetch-page.ts`, `activities/batch/fetch-batch.ts`.
 */
import type { AccountFacts } from '../../contracts/account.ts';
import { NO_JOB } from '../../contracts/job.ts';
import { loadUnit, type LoadedUnit, type UnitNames } from '../../db/stores/sync/unit-store.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import type { CompiledSync, NodeDefinition } from '../../providers/define/define-sync.ts';
import type { PageRequest } from '../../providers/pagination/options.ts';
import { givenAs, isBelow } from '../../contracts/tree.ts';
import { accountFacts } from '../call/account-facts.ts';
import { hasMoved, type Asked, type Attempt } from './attempt.ts';
import { checkpointFor } from './kept-state.ts';
import { userCode } from './user-code.ts';
import { askFrom } from '../page/watermark.ts';

export function loadList({ deps, request, sync }: Asked, node: NodeDefinition): Promise<LoadedUnit | undefined> {
  return loadUnit(deps.pool, { unit: request.unit, run: request.runId, node: request.node }, namesOf(sync, node));
}

export function namesOf(sync: CompiledSync, node: NodeDefinition): UnitNames {
  return {
    parentResource: sync.parentOf(node.name)?.resource ?? null,
    resource: node.resource,
    endpoint: node.endpoint.name,
    isTree: node.tree !== undefined,
  };
}

export function attemptAt(asked: Asked, node: NodeDefinition, loaded: LoadedUnit, readAt: number): Attempt {
  const { endpoint, options } = node;
  const parent = userCode(`\`top\` of node "${node.name}"`, () =>
    givenAs(node, loaded.parentKey, isOfRow(node, loaded) ? loaded.parentRow : loaded.runInput),
  );
  const unit = isAskedAnew(node, loaded, parent) ? { ...loaded, watermark: null, kept: null } : loaded;
  const { start, min, max } = endpoint.paginate.pageSize;
  const { account } = asked.request.context;
  const of = accountFacts(asked.sync.provider, { account, tenant: unit.tenant, settings: unit.settings });
  const pageSize = Math.min(max, Math.max(min, unit.pageSize ?? start));
  const since = unit.isBegun ? (unit.since ?? undefined) : firstSince(node, unit);
  const input = userCode(`\`input\` of node "${node.name}"`, () =>
    endpoint.parseInput(
      options.input(parent, {
        watermark: options.incremental === 'checkpoint' ? undefined : since,
        checkpoint: options.incremental === 'checkpoint' ? since : undefined,
        runInput: unit.runInput,
      }),
    ),
  );
  const range =
    unit.range ?? userCode(`\`range\` of endpoint "${endpoint.name}"`, () => endpoint.paginate.range?.whole(input));
  const page = endpoint.paginate.request(unit.position, pageSize, range);
  // A list that turns out to have one page alone may do without.
  if (unit.pages < 2 && (unit.position !== null || unit.range !== null))
    checkPlace(endpoint, input, unit.position, page, of);
  return {
    ...asked,
    node,
    unit,
    of,
    parent,
    input,
    pageSize,
    asked: page,
    isSizable: isSizable(endpoint, input, page, of),
    hasMoved: hasMoved(asked, unit.pages),
    since,
    readAt,
  };
}

function isOfRow(node: NodeDefinition, { parentKey }: LoadedUnit): boolean {
  return node.parent !== null || isBelow(node, parentKey);
}

/**
 * Whether the input of its run makes the list another one than was read last. What is known of that one, e.g. how new
 * its open issues were, says nothing of this one. Roots have a list for each such input.
 */
function isAskedAnew(node: NodeDefinition, unit: LoadedUnit, parent: unknown): boolean {
  const { runInput, readWith } = unit;
  if (unit.isBegun || readWith === null || JSON.stringify(readWith) === JSON.stringify(runInput)) return false;
  const since = firstSince(node, unit);
  const isToken = node.options.incremental === 'checkpoint';
  const state = { watermark: isToken ? undefined : since, checkpoint: isToken ? since : undefined };
  const askedWith = (of: unknown): string =>
    JSON.stringify(node.options.input(parent, { ...state, runInput: of }) ?? null);
  try {
    return askedWith(readWith) !== askedWith(runInput);
  } catch {
    return true; // what is not good for both inputs is not the same
  }
}

/** What a list is asked from at its first page. */
function firstSince({ options: { incremental } }: NodeDefinition, unit: LoadedUnit): string | undefined {
  const { mode, watermark } = unit;
  if (incremental === 'checkpoint') return checkpointFor(unit);
  return incremental && mode === 'incremental' && watermark !== null ? askFrom(watermark, incremental) : undefined;
}

/** Page numbers can be cut in another way only where the request asks for the size that it is given. */
function isSizable(endpoint: Endpoint, input: unknown, page: PageRequest, of: AccountFacts): boolean {
  if (endpoint.paginate.kind !== 'page') return false;
  return userCode(`\`request\` of endpoint "${endpoint.name}"`, () => {
    const [some, others] = [2, 3].map((size) => JSON.stringify(endpoint.request(input, { ...page, size }, of)));
    return some !== others;
  });
}

/** What tells one page from another, for each kind of list that names its pages in the request. */
const PLACES: Partial<Record<Endpoint['paginate']['kind'], readonly (keyof PageRequest)[]>> = {
  page: ['number', 'offset'],
  offset: ['offset', 'number'],
  cursor: ['cursor', 'behind'],
};

/**
 * A request that looks at nothing of the page would bring the first one for ever. Said before the second one is asked for.
 * @throws UserCodeError that says what it does not look at.
 */
function checkPlace(
  endpoint: Endpoint,
  input: unknown,
  position: LoadedUnit['position'],
  page: PageRequest,
  of: AccountFacts,
): void {
  const { kind, guards } = endpoint.paginate;
  const places = PLACES[kind];
  // Where it is right that the same request brings other rows, as from a queue, one of these is off.
  if (!places || endpoint.job || !guards['repeated-token'] || !guards['repeated-rows']) return;
  const seen = new Set<unknown>();
  const watched = { ...page, job: NO_JOB };
  for (const name of Object.keys(page) as (keyof PageRequest)[])
    Object.defineProperty(watched, name, { enumerable: true, get: () => (seen.add(name), page[name]) });
  userCode(`\`request\` of endpoint "${endpoint.name}"`, () => {
    endpoint.request(input, watched, of);
    const missed = [
      position && !places.some((name) => seen.has(name)) && places[0],
      page.range && !seen.has('range') && 'range',
    ];
    const name = missed.find(Boolean);
    if (name)
      throw new TypeError(`it never looks at \`page.${name}\`, so that each page of the list would be the same one`);
  });
}
