/**
 * A sync: a tree of resources over one provider's endpoints. Compiled to a plan (plain JSON) that the workflow runs;
 * the functions in it run only in activities. Next: `client/sync/start-sync.ts` starts one, `workflows/sync.ts` runs it.
 */
import type { z } from 'zod';
import { unknownOptions, type NamesOf } from '../../contracts/values/option-mistakes.ts';
import { readerOf } from '../../contracts/values/misfits.ts';
import type { ChildErrorPolicy, Plan } from '../../contracts/plan.ts';
import { isBelow, type Tree } from '../../contracts/tree.ts';
import type { Endpoint, Provider } from './define-provider.ts';
import type { Kept } from './kept.ts';
import { readFreshFor, readSchedules, type CompiledSchedule, type Schedules } from './schedule-options.ts';
import type { Batch, BatchOptions, NodeOptions, RootOptions, RowsHave, TreeOptions } from './node-options.ts';
import { groupByParent, inOrder, missesParents, planNode, policyFor, withDefaults } from './plan-node.ts';
import { optionsOfValues, valuesEndpoint, type ValuesOf, type ValuesOptions } from './values.ts';
import {
  knownOptions,
  strangeOptions,
  wrongArguments,
  type Arguments,
  type BuilderCall,
} from './mistakes/argument-mistakes.ts';
import { parentName, syncMistakes } from './mistakes/sync-mistakes.ts';

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
  readonly batch?: Batch;
  /** Its rows are parents of further lists of it. */
  readonly tree?: Tree;
  /** Its rows take no call. */
  readonly values?: ValuesOf<unknown, unknown, unknown>;
}

// NoInfer: the row comes from the options, never from where the node is used.
export interface SyncBuilder<Input, Settings = unknown> {
  /** A root: one object or one list, asked for with the sync's own input. */
  one<EndpointInput, Item, Row = Item>(
    endpoint: Endpoint<EndpointInput, Item>,
    options: RootOptions<Input, EndpointInput, Item, Row>,
  ): Node<Kept<NoInfer<Row>>>;
  /** For every row of the parent, as soon as it is stored. A parent may be named before it is defined. */
  each<Parent, EndpointInput, Item, Row = Item>(
    parent: Node<Parent>,
    endpoint: Endpoint<EndpointInput, Item>,
    options: NodeOptions<Parent, EndpointInput, Item, Row, Input>,
  ): Node<Kept<NoInfer<Row>>>;
  /** The same with one call for up to `size` parents, whose answer is matched to them: 253 parents take 3 calls of 100. */
  batch<Parent, EndpointInput, Item, Row = Item>(
    parent: Node<Parent>,
    endpoint: Endpoint<EndpointInput, Item>,
    options: BatchOptions<Parent, EndpointInput, Item, Row>,
  ): Node<Kept<NoInfer<Row>>>;
  /**
   * Rows that take no call: each of these values is one, and so may be the parent of lists. Of the run's input
   * (`s.values(({ repos }) => repos, { key: (repo) => repo })`), or of each row of a parent.
   */
  values<Value>(
    of: ValuesOf<Input, Value, Input, Settings>,
    options: ValuesOptions<Input, NoInfer<Value>>,
  ): Node<Kept<NoInfer<Value>>>;
  values<Parent, Value>(
    parent: Node<Parent>,
    of: ValuesOf<Parent, Value, Input, Settings>,
    options: ValuesOptions<Parent, NoInfer<Value>>,
  ): Node<Kept<NoInfer<Value>>>;
  /**
   * Lists in lists to any depth, as blocks in blocks or folders in folders are. They are for every row of the parent,
   * and for every row of their own. `when` says which rows have something below them.
   */
  tree<Parent, EndpointInput, Item, Above, Row = Item>(
    parent: Node<Parent>,
    endpoint: Endpoint<EndpointInput, Item>,
    options: TreeOptions<Parent, EndpointInput, Item, Row, Above, Input> & RowsHave<Above, Kept<NoInfer<Row>>>,
  ): Node<Kept<NoInfer<Row>>>;
  /** The same from the sync's own input on. */
  tree<EndpointInput, Item, Above, Row = Item>(
    endpoint: Endpoint<EndpointInput, Item>,
    options: TreeOptions<Input, EndpointInput, Item, Row, Above, Input> & RowsHave<Above, Kept<NoInfer<Row>>>,
  ): Node<Kept<NoInfer<Row>>>;
  each<EndpointInput, Item, Row = Item>(
    parent: string,
    endpoint: Endpoint<EndpointInput, Item>,
    options: NodeOptions<unknown, EndpointInput, Item, Row, Input>,
  ): Node<Kept<NoInfer<Row>>>;
}

export interface SyncOptions<InputSchema extends z.ZodType, Settings = unknown> {
  readonly provider: Provider<Settings>;
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

const SYNC_OPTIONS = {
  provider: true,
  input: true,
  schedule: true,
  freshFor: true,
  maxHistoryEvents: true,
} satisfies NamesOf<SyncOptions<z.ZodType>>;

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
  readonly policyOf: (node: string, parentKey: string) => ChildErrorPolicy;
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

/** In the place of one that can't be made, so that what is below it is looked at all the same. */
const NO_NODE = { parent: null, endpoint: undefined, options: { input: () => ({}), key: () => '' } } as const;

type NodeParts = Pick<NodeDefinition, 'parent' | 'options' | 'batch' | 'tree' | 'values'> & {
  /** Undefined: its rows take no call. */
  readonly endpoint: Endpoint | undefined;
};

function nodeOf(call: BuilderCall, given: Arguments): NodeParts {
  const parent = given.parent as NodeDefinition | string | null;
  const known = knownOptions(call, given.options as object);
  const options = withDefaults(known as NodeDefinition['options']);
  const endpoint = given.endpoint as Endpoint;
  if (call === 'values')
    return {
      parent,
      endpoint: undefined,
      options: optionsOfValues(options, parent === null),
      values: given.endpoint as NonNullable<NodeDefinition['values']>,
    };
  if (call === 'tree') {
    const { top, ...rest } = options as Tree & NodeDefinition['options'];
    return { parent, endpoint, options: rest, tree: { top } };
  }
  if (call !== 'batch') return { parent, endpoint, options };
  const { size, parentOf, allowMissing, input, ...rest } = known as BatchOptions<unknown, unknown, unknown, unknown>;
  const batch: Batch = { size, parentOf, input, ...(allowMissing === undefined ? {} : { allowMissing }) };
  const asOne = typeof input === 'function' ? { input: (row: unknown) => input([row]) } : {};
  return { parent, endpoint, options: withDefaults({ ...rest, ...asOne } as NodeDefinition['options']), batch };
}

/**
 * Defines a sync. Nodes take their names from the object that `build` returns: `return { profile, friends, posts }`.
 * @throws DefinitionError with all mistakes at once (unknown parent, cycle, duplicate name, limit without a scope, …).
 */
export function defineSync<InputSchema extends z.ZodType, Nodes extends Record<string, Node>, Settings = unknown>(
  name: string,
  options: SyncOptions<InputSchema, Settings>,
  build: (s: SyncBuilder<z.output<InputSchema>, Settings>) => Nodes,
): Sync<z.input<InputSchema>, Nodes> {
  const { builder, made, wrong } = createBuilder(options.provider);
  const returned = build(builder as SyncBuilder<z.output<InputSchema>, Settings>);
  for (const [key, node] of Object.entries(returned)) (node as NodeDefinition).name = key;
  for (const node of made) node.resource = `${name}.${node.name}`;

  const mistakes = [
    ...options.provider.mistakes(),
    ...unknownOptions(options, SYNC_OPTIONS),
    ...[...wrong].flatMap(([node, texts]) => texts.map((text) => `node "${node.name}": ${text}`)),
    ...syncMistakes(name, options.provider, made, returned),
  ];
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
    parseInput: readerOf(options.input, `The input of sync "${name}"`),
    nodes,
    childrenOf: (node) => children.get(node) ?? [],
    parentOf: (node) => nodes.get(parentName(nodes.get(node) as NodeDefinition) ?? ''),
    missesParents: (name) => missesParents(nodes, name),
    policyOf: (name, parentKey) => {
      const node = nodes.get(name) as NodeDefinition;
      return policyFor(node, node.parent === null && !isBelow(node, parentKey));
    },
    plan: {
      sync: name,
      provider: options.provider.id,
      nodes: planNodes,
      maxHistoryEvents: options.maxHistoryEvents ?? 4_000,
    },
  };
  return { ...returned, definition };
}

/** The functions that a sync is built by. What is wrong with a node is said beside it, once all have their names. */
function createBuilder(provider: Provider): {
  readonly builder: SyncBuilder<unknown>;
  readonly made: readonly NodeDefinition[];
  readonly wrong: ReadonlyMap<NodeDefinition, readonly string[]>;
} {
  const made: NodeDefinition[] = [];
  const wrong = new Map<NodeDefinition, string[]>();
  const add = (call: BuilderCall, given: Arguments): Node => {
    const unusable = wrongArguments(call, given);
    const { parent, endpoint, ...rest } = unusable.length > 0 ? NO_NODE : nodeOf(call, given);
    const used = endpoint ?? valuesEndpoint(provider);
    const node: NodeDefinition = { name: used.name, resource: '', endpoint: used, parent, ...rest };
    made.push(node);
    wrong.set(node, unusable.length > 0 ? unusable : strangeOptions(call, given.options as object));
    return node;
  };
  const root = (call: BuilderCall) => (endpoint: unknown, nodeOptions: unknown) =>
    add(call, { parent: null, endpoint, options: nodeOptions });
  const below = (call: BuilderCall) => (parent: unknown, endpoint: unknown, nodeOptions: unknown) =>
    add(call, { parent, endpoint, options: nodeOptions });
  const either =
    (call: BuilderCall) =>
    (...args: unknown[]) =>
      args.length < 3 ? root(call)(args[0], args[1]) : below(call)(args[0], args[1], args[2]);
  const builder = {
    one: root('one'),
    each: below('each'),
    batch: below('batch'),
    values: either('values'),
    tree: either('tree'),
  } as SyncBuilder<unknown>;
  return { builder, made, wrong };
}
