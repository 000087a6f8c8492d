/**
 * A sync: a tree of resources over one provider's endpoints. Compiled to a plan (plain JSON) that the workflow runs;
 * the functions in it run only in activities. Next: `client/sync/start-sync.ts` starts one, `workflows/sync.ts` runs it.
 */
import type { z } from 'zod';
import type { ChildErrorPolicy, Plan, PlanNode } from '../../contracts/plan.ts';
import type { Endpoint, Provider } from './define-provider.ts';
import { readFreshFor, readSchedules, type CompiledSchedule, type Schedules } from './schedule-options.ts';
import { parentName, syncMistakes } from './sync-mistakes.ts';

/** What a node's functions may know besides the parent: kept for each parent from run to run. */
export interface UnitState {
  /**
   * What to ask from: the highest value of `incremental.field` that this parent's list has brought, less the look-back;
   * times in ISO, numbers as text. Undefined the first time, in full runs, and without `incremental`.
   */
  readonly watermark: string | undefined;
  /**
   * What the list's last reading has left to ask from (`paginate.checkpoint`). Undefined the first time, in full runs, when the third party
   * does not know it any more, and without `incremental: 'checkpoint'`.
   */
  readonly checkpoint: string | undefined;
}

/** How a node's lists are asked for what has changed only. */
export interface Incremental<Item> {
  /**
   * What tells how new an item is: a time (ISO text, epoch seconds or milliseconds) or a growing id. The highest one of a
   * list that was read to its end comes back as `state.watermark` in the next run. Items without one: null. Anything else fails
   * the list. A time after that of the answer counts as the answer's.
   */
  readonly field: (item: Item) => string | number | null | undefined;
  /** Asked from so long before the watermark, in milliseconds: what a third party shows late is not missed. */
  readonly lookbackMs: number;
  /** Where times without a zone are told, e.g. `Europe/Berlin`. Default `UTC`. */
  readonly zone?: string;
  /** What numbers are. Default: from 1e11 on milliseconds, from 1e8 on seconds, below ids. */
  readonly numbers?: 'milliseconds' | 'seconds' | 'ids';
}

/** The part of a Postgres client that a store hook gets: everything it runs is in the page's transaction. */
export interface StoreTransaction {
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly rowCount: number | null }>;
}

export interface NodeOptions<Parent, Input, Item, Row> {
  /** What to call the endpoint with, from the parent's latest row. */
  readonly input: (parent: Parent, state: UnitState) => Input;
  /** Identity of a row, unique within this resource and account. */
  readonly key: (item: Item, parent: Parent) => string | number;
  /** What is stored. Default: the item itself. */
  readonly map?: (item: Item, parent: Parent) => Row;
  /** Visit once per this value instead of once per parent row, e.g. the account that many rows point to. */
  readonly uniqueBy?: (parent: Parent) => string | number;
  /** Only for parents of which this holds. Default: all. */
  readonly when?: (parent: Parent) => boolean;
  /** Writes the rows into tables of your own, in the same transaction as ours. Must be idempotent. */
  readonly store?: (tx: StoreTransaction, rows: readonly Row[], context: { readonly account: string }) => Promise<void>;
  /**
   * Ask only for what changed since the last run: from the highest value of a field, which `input` gets as `state.watermark`, or, with
   * `'checkpoint'`, from the opaque token that the endpoint's `paginate.checkpoint` has found, which `input` gets as `state.checkpoint`.
   * Default: everything, always.
   */
  readonly incremental?: Incremental<Item> | 'checkpoint';
  /**
   * Which parents to visit when the parents' own lists were asked only for what changed: all that are known, since what is
   * below a row can change while the row does not, or only those that came in this run, and those whose lists an earlier
   * run left unread (failed, cancelled, cut short). Default `all`.
   */
  readonly parents?: 'all' | 'changed';
  /**
   * `full-pass`: rows that a list does not have any more are marked as deleted, when it was read from its beginning to a
   * complete end. Default: never.
   */
  readonly deletions?: 'full-pass';
  /** An empty answer deletes all rows of its list. Default false: it ends as `truncated`, and the rows are kept. */
  readonly allowEmpty?: boolean;
  /** Lists (or objects) in flight at once, 1 … 1,000. Default 40. */
  readonly window?: number;
  readonly onChildError?: Partial<ChildErrorPolicy>;
}

/** A node of the tree; `Row` is what is stored for it. */
export interface Node<Row = unknown> {
  /** `sync.node`: the name under which its records are stored. */
  readonly resource: string;
  readonly $row?: Row;
}

export interface NodeDefinition extends Node {
  name: string;
  resource: string;
  readonly endpoint: Endpoint;
  readonly parent: NodeDefinition | string | null;
  readonly options: NodeOptions<unknown, unknown, unknown, unknown>;
}

// NoInfer: the row comes from the options, never from where the node is used.
export interface SyncBuilder<Input> {
  /** A root: one object or one list, asked for with the sync's own input. */
  one<EndpointInput, Item, Row = Item>(
    endpoint: Endpoint<EndpointInput, Item>,
    options: NodeOptions<Input, EndpointInput, Item, Row>,
  ): Node<NoInfer<Row>>;
  /** For every row of the parent, as soon as it is stored. A parent may be named before it is defined. */
  each<Parent, EndpointInput, Item, Row = Item>(
    parent: Node<Parent>,
    endpoint: Endpoint<EndpointInput, Item>,
    options: NodeOptions<Parent, EndpointInput, Item, Row>,
  ): Node<NoInfer<Row>>;
  each<EndpointInput, Item, Row = Item>(
    parent: string,
    endpoint: Endpoint<EndpointInput, Item>,
    options: NodeOptions<unknown, EndpointInput, Item, Row>,
  ): Node<NoInfer<Row>>;
}

export interface SyncOptions<InputSchema extends z.ZodType> {
  readonly provider: Provider;
  readonly input: InputSchema;
  /**
   * Starts runs by itself, for every connected account of the provider: `{ every: '1h' }`, `{ at: '03:00', zone: 'Europe/Berlin' }`, or
   * several by name. `npx sluice schedules apply` brings it into force. Default: runs are started by the app alone.
   */
  readonly schedule?: Schedules<z.input<InputSchema>>;
  /** How old the last good run of an account may be, e.g. `'2h'`: older, and an alert says so. Default: it may be any age. */
  readonly freshFor?: string;
  /** Continue-as-new at about this many history events, ≥ 50. Default 4,000. */
  readonly maxHistoryEvents?: number;
}

export interface CompiledSync {
  readonly name: string;
  readonly schedules: readonly CompiledSchedule[];
  readonly freshForMs: number | undefined;
  readonly provider: Provider;
  readonly parseInput: (input: unknown) => unknown;
  readonly nodes: ReadonlyMap<string, NodeDefinition>;
  /** Children of each node, in order. */
  readonly childrenOf: (node: string) => readonly NodeDefinition[];
  /** Undefined for a root. */
  readonly parentOf: (node: string) => NodeDefinition | undefined;
  /** What to do with a list of the node that can't be read. */
  readonly policyOf: (node: string) => ChildErrorPolicy;
  /** Whether a run may leave out parents of the node: it, or a node above, visits only what came of an incremental list. */
  readonly missesParents: (node: string) => boolean;
  readonly plan: Plan;
}

export type Sync<Input = never, Nodes extends Record<string, Node> = Record<never, Node>> = Nodes & {
  readonly definition: CompiledSync;
  /** Types only; never set. */
  readonly $input?: (input: Input) => void;
};

/** Every mistake of a definition in one message. */
export class DefinitionError extends TypeError {
  readonly mistakes: readonly string[];
  constructor(what: string, mistakes: readonly string[]) {
    super(
      `${what} has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}:\n${mistakes.map((text) => `  - ${text}`).join('\n')}`,
    );
    this.name = 'DefinitionError';
    this.mistakes = mistakes;
  }
}

/**
 * Defines a sync. Nodes take their names from the object that `build` returns: `return { profile, friends, posts }`.
 * @throws DefinitionError with all mistakes at once (unknown parent, cycle, duplicate name, limit without a scope, …).
 */
export function defineSync<InputSchema extends z.ZodType, Nodes extends Record<string, Node>>(
  name: string,
  options: SyncOptions<InputSchema>,
  build: (s: SyncBuilder<z.output<InputSchema>>) => Nodes,
): Sync<z.input<InputSchema>, Nodes> {
  const made: NodeDefinition[] = [];
  const add = (
    parent: NodeDefinition | string | null,
    endpoint: Endpoint,
    nodeOptions: NodeDefinition['options'],
  ): Node => {
    const node: NodeDefinition = { name: endpoint.name, resource: '', endpoint, parent, options: nodeOptions };
    made.push(node);
    return node;
  };
  const returned = build({
    one: (endpoint: unknown, nodeOptions: unknown) =>
      add(null, endpoint as Endpoint, nodeOptions as NodeDefinition['options']),
    each: (parent: unknown, endpoint: unknown, nodeOptions: unknown) =>
      add(parent as NodeDefinition | string, endpoint as Endpoint, nodeOptions as NodeDefinition['options']),
  } as SyncBuilder<z.output<InputSchema>>);
  for (const [key, node] of Object.entries(returned)) (node as NodeDefinition).name = key;
  for (const node of made) node.resource = `${name}.${node.name}`;

  const mistakes = [...options.provider.mistakes(), ...syncMistakes(name, options.provider, made, returned)];
  if (options.maxHistoryEvents !== undefined && !(options.maxHistoryEvents >= 50))
    mistakes.push(`maxHistoryEvents is ${options.maxHistoryEvents}; it must be at least 50`);
  const { schedules, mistakes: ofSchedules } = readSchedules(name, options.schedule, options.input);
  mistakes.push(...ofSchedules);
  const freshForMs = readFreshFor(options.freshFor, mistakes);
  if (mistakes.length > 0) throw new DefinitionError(`Sync "${name}"`, mistakes);

  const nodes = new Map(made.map((node) => [node.name, node]));
  const children = groupByParent(made);
  const planNodes = inOrder(made).map((node) => planNode(node, nodes, children.get(node.name) ?? []));
  const definition: CompiledSync = {
    name,
    schedules,
    freshForMs,
    provider: options.provider,
    parseInput: (input) => options.input.parse(input),
    nodes,
    childrenOf: (node) => children.get(node) ?? [],
    parentOf: (node) => nodes.get(parentName(nodes.get(node) as NodeDefinition) ?? ''),
    missesParents: (name) => missesParents(nodes, name),
    policyOf: (name) => (planNodes.find((each) => each.name === name) as PlanNode).onChildError,
    plan: {
      sync: name,
      provider: options.provider.id,
      nodes: planNodes,
      maxHistoryEvents: options.maxHistoryEvents ?? 4_000,
    },
  };
  return { ...returned, definition };
}

function missesParents(nodes: ReadonlyMap<string, NodeDefinition>, name: string): boolean {
  const node = nodes.get(name);
  const parent = nodes.get((node && parentName(node)) ?? '');
  if (!node || !parent) return false;
  return (node.options.parents === 'changed' && mayBePartial(parent)) || missesParents(nodes, parent.name);
}

/** Its lists may bring only what has changed, or nothing. */
function mayBePartial({ options, endpoint }: NodeDefinition): boolean {
  return options.incremental !== undefined || endpoint.conditional !== undefined;
}

function planNode(
  node: NodeDefinition,
  nodes: ReadonlyMap<string, NodeDefinition>,
  children: readonly NodeDefinition[],
): PlanNode {
  const root = node.parent === null;
  const policy = { notFound: root ? 'fail' : 'skip', forbidden: root ? 'fail' : 'skip', maxSkippedShare: 0.2 } as const;
  return {
    name: node.name,
    endpoint: node.endpoint.name,
    parent: parentName(node),
    resource: node.resource,
    pagination: node.endpoint.paginate.kind,
    window: node.options.window ?? 40,
    onChildError: { ...policy, ...node.options.onChildError },
    callTimeoutMs: node.endpoint.totalTimeoutMs,
    ...(mayBePartial(node) ? { incremental: true } : {}),
    ...(mayBePartial(node) && children.some((child) => child.options.parents !== 'changed')
      ? { visitsKnown: true }
      : {}),
    ...(children.some(({ name }) => missesParents(nodes, name)) ? { visitsOwed: true } : {}),
    ...(node.options.deletions ? { deletions: node.options.deletions } : {}),
    ...(node.options.allowEmpty ? { allowEmpty: true } : {}),
  };
}

/** Parents before children: the order in which locks are taken. */
function inOrder(nodes: readonly NodeDefinition[]): NodeDefinition[] {
  const depth = (node: NodeDefinition): number => {
    const parent = parentName(node);
    const found = parent === null ? undefined : nodes.find((each) => each.name === parent);
    return found ? depth(found) + 1 : 0;
  };
  return [...nodes].sort((a, b) => depth(a) - depth(b));
}

function groupByParent(nodes: readonly NodeDefinition[]): Map<string | null, NodeDefinition[]> {
  const groups = new Map<string | null, NodeDefinition[]>();
  for (const node of nodes) {
    const parent = parentName(node);
    groups.set(parent, [...(groups.get(parent) ?? []), node]);
  }
  return groups;
}
