/**
 * What the builder of a sync is given that no node can be made of. Also options that a node of its kind does not have.
 * Used by: `../define-sync.ts`; told together with those of `sync-mistakes.ts`.
 */
import { asyncFunctions, kindOf, unknownOptions, type NamesOf } from '../../../contracts/values/option-mistakes.ts';
import type { SyncBuilder } from '../define-sync.ts';
import type { BatchOptions, NodeOptions, RootOptions, TreeOptions } from '../node-options.ts';
import type { ValuesOptions } from '../values.ts';

type Any<Options> = NamesOf<Options>;
const ROOT = {
  input: true,
  key: true,
  map: true,
  uniqueBy: true,
  store: true,
  incremental: true,
  deletions: true,
  isGone: true,
  allowEmpty: true,
  window: true,
  onChildError: true,
} satisfies Any<RootOptions<unknown, unknown, unknown, unknown>>;
const { uniqueBy, incremental: _, ...COMMON } = ROOT;
const NODE = { ...ROOT, nested: true, when: true, parents: true } satisfies Any<
  NodeOptions<unknown, unknown, unknown, unknown>
>;

/** Names by the call of the builder. */
const KNOWN = {
  one: ROOT,
  each: NODE,
  batch: {
    size: true,
    parentOf: true,
    allowMissing: true,
    ...COMMON,
    uniqueBy,
    when: true,
    parents: true,
  } satisfies Any<BatchOptions<unknown, unknown, unknown, unknown>>,
  values: { key: true, uniqueBy: true, when: true, store: true, window: true } satisfies Any<
    ValuesOptions<unknown, unknown>
  >,
  tree: { top: true, ...COMMON, nested: true, when: true } satisfies Any<
    TreeOptions<unknown, unknown, unknown, unknown, unknown>
  >,
} as const satisfies Record<keyof SyncBuilder<unknown>, object>;

export type BuilderCall = keyof typeof KNOWN;

/** Why a node of another kind has an option, where that is worth more than its name. */
const WHY: Readonly<Partial<Record<BuilderCall, Readonly<Record<string, string>>>>> = {
  one: {
    parents: '`parents` says which rows of a parent are visited, and a root has none',
    nested: '`nested` is in the row of a parent, and a root has none',
    when: '`when` is of the rows of a parent, and a root has none',
  },
  batch: {
    incremental: 'a batch asks for several parents at once, which have no watermark in common; leave out `incremental`',
    nested: '`nested` does not go with a batch, a job, a file or `incremental`',
  },
  tree: Object.fromEntries(
    ['incremental', 'parents', 'uniqueBy'].map((name) => [
      name,
      'a tree is read as a whole by each run, every list of it once; leave out `incremental`, `parents` and `uniqueBy`',
    ]),
  ),
};

export interface Arguments {
  /** Null for a root. */
  readonly parent: unknown;
  /** An endpoint; of `s.values` a function. */
  readonly endpoint: unknown;
  readonly options: unknown;
}

/** @returns what no node can be made of; with these the node is none. */
export function wrongArguments(call: BuilderCall, { parent, endpoint, options }: Arguments): string[] {
  const mistakes: string[] = [];
  const isNamed = typeof parent === 'string' || (isObject(parent) && typeof parent['name'] === 'string');
  if (parent !== null && !isNamed)
    mistakes.push(`s.${call}: its parent is ${said(parent)}; it must be a node of this sync, as s.one(…) returns it`);
  const isEndpoint = isObject(endpoint) && isObject(endpoint['paginate']) && typeof endpoint['request'] === 'function';
  if (call !== 'values' && !isEndpoint)
    mistakes.push(`s.${call}: its endpoint is ${said(endpoint)}; it must be what provider.endpoint(…) returns`);
  if (!isObject(options))
    mistakes.push(
      `s.${call}: its options are ${said(options)}; write them as the last argument, e.g. { key: (row) => row.id }`,
    );
  return mistakes;
}

/** @returns options that a node of this kind does not have, or that nobody would wait for. */
export function strangeOptions(call: BuilderCall, options: object): string[] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const why = given.flatMap(([name]) => WHY[call]?.[name] ?? []);
  const others = given.filter(([name]) => WHY[call]?.[name] === undefined);
  return [
    ...unknownOptions(Object.fromEntries(others), KNOWN[call]),
    ...asyncFunctions(options, ['store']),
    ...new Set(why),
  ];
}

/** @returns the options that it has; of the others it is enough to say that it has none such. */
export function knownOptions(call: BuilderCall, options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(KNOWN[call], name)));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function said(value: unknown): string {
  if (value === undefined) return 'undefined (do two modules import each other?)';
  if (!isObject(value)) return kindOf(value);
  if (typeof value['resource'] === 'string') return 'a node';
  return 'paginate' in value ? `the endpoint "${String(value['name'])}"` : 'something else';
}
