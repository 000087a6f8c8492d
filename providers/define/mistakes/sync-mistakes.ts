/**
 * What is wrong with the definition of a sync, in words. Next: `../define-sync.ts` reports it with the mistakes of its
 * provider, all at once.
 */
import type { Provider } from '../define-provider.ts';
import type { Node, NodeDefinition } from '../define-sync.ts';
import type { Incremental } from '../node-options.ts';
import type { ChildErrorPolicy } from '../../../contracts/plan.ts';
import {
  missingFunctions,
  unknownOptions,
  wrongBooleans,
  wrongFunctions,
  wrongObject,
  type NamesOf,
} from '../../../contracts/values/option-mistakes.ts';
import { isZone } from '../../../contracts/values/time.ts';

const INCREMENTAL = { field: true, lookbackMs: true, zone: true, numbers: true } satisfies NamesOf<
  Incremental<unknown>
>;
const CHILD_ERRORS = { notFound: true, forbidden: true, maxSkippedShare: true } satisfies NamesOf<ChildErrorPolicy>;

/** @returns what is wrong with a sync's name and nodes; the provider says what is wrong with itself. */
export function syncMistakes(
  name: string,
  provider: Provider,
  nodes: readonly NodeDefinition[],
  returned: Record<string, Node>,
): string[] {
  const mistakes: string[] = [];
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name))
    mistakes.push(`name "${name}": use letters, digits, "_" and "-", starting with a letter`);
  if (nodes.length === 0) mistakes.push('it has no nodes; start with s.one(…)');
  if ('definition' in returned || '$input' in returned)
    mistakes.push('a node may not be called "definition" or "$input"');
  const names = nodes.map((node) => node.name);
  for (const double of new Set(names.filter((each, index) => names.indexOf(each) !== index)))
    mistakes.push(`two nodes are called "${double}"; return them under different names`);
  for (const [key, node] of Object.entries(returned)) {
    if (!nodes.includes(node as NodeDefinition)) mistakes.push(`"${key}" was not made by this sync's builder`);
  }
  for (const node of nodes) {
    const at = `node "${node.name}"`;
    if (node.endpoint.provider !== provider)
      mistakes.push(
        `${at}: endpoint "${node.endpoint.name}" belongs to provider "${node.endpoint.provider.id}", not to "${provider.id}"`,
      );
    const parent = parentName(node);
    const known =
      node.parent === null ||
      (typeof node.parent === 'string' ? names.includes(node.parent) : nodes.includes(node.parent));
    if (!known) mistakes.push(`${at}: unknown parent "${String(parent)}"; this sync has ${names.join(', ')}`);
    else if (isInCycle(node, nodes)) mistakes.push(`${at}: is its own ancestor (cycle through "${String(parent)}")`);
    const { window, parents, deletions } = node.options;
    if (parents !== undefined && !['all', 'changed'].includes(parents))
      mistakes.push(`${at}: parents is "${parents}"; it must be "all" or "changed"`);
    if (deletions !== undefined && !['full-pass', 'told'].includes(deletions))
      mistakes.push(`${at}: deletions is "${deletions}"; it must be "full-pass", "told" or left out`);
    if (node.options.isGone !== undefined && typeof node.options.isGone !== 'function')
      mistakes.push(`${at}: isGone must be a function, e.g. (item) => item.status === 'cancelled'`);
    if (window !== undefined && !(typeof window === 'number' && window >= 1 && window <= 1_000))
      mistakes.push(`${at}: window is ${JSON.stringify(window)}; it must be a number from 1 to 1,000`);
    const ofTypes = [
      ...wrongFunctions(node.options, ['map', 'store', 'when', 'uniqueBy']),
      ...wrongBooleans(node.options, ['allowEmpty']),
      ...childErrorMistakes(node.options),
    ];
    mistakes.push(...ofTypes.map((text) => `${at}: ${text}`));
    mistakes.push(...nestedMistakes(node).map((text) => `${at}: ${text}`));
    mistakes.push(...batchMistakes(node).map((text) => `${at}: ${text}`));
    mistakes.push(...valuesMistakes(node).map((text) => `${at}: ${text}`));
    mistakes.push(...treeMistakes(node, nodes).map((text) => `${at}: ${text}`));
    mistakes.push(...incrementalMistakes(node).map((text) => `${at}: ${text}`));
    if (typeof node.options.input !== 'function')
      mistakes.push(`${at}: \`input\` is missing, () => ({}) where its endpoint takes none`);
    if (typeof node.options.key !== 'function')
      mistakes.push(`${at}: \`key\` is missing; it says which rows are the same`);
  }
  return mistakes;
}

function nestedMistakes({ endpoint, options: { nested, incremental } }: NodeDefinition): string[] {
  if (nested === undefined) return [];
  const { kind } = endpoint.paginate;
  const mistakes: string[] = [];
  if (typeof nested !== 'function')
    mistakes.push('`nested` must be a function of the parent, e.g. (post) => ({ comments: post.comments })');
  if (!['single', 'cursor', 'link'].includes(kind))
    mistakes.push(
      `\`nested\` is a first page that names the next: endpoint "${endpoint.name}" is of kind "${kind}"; use "cursor" or "link"`,
    );
  if (endpoint.job || endpoint.paginate.comesInPieces || endpoint.file || incremental)
    mistakes.push('`nested` does not go with a batch, a job, a file or `incremental`');
  return mistakes;
}

function batchMistakes({ batch, endpoint }: NodeDefinition): string[] {
  if (!batch) return [];
  const { size, parentOf } = batch;
  const mistakes: string[] = [];
  if (!(Number.isInteger(size) && size >= 2 && size <= 1_000))
    mistakes.push(`size is ${size}; it must be a whole number from 2 to 1,000`);
  if (typeof parentOf !== 'function')
    mistakes.push('`parentOf` is missing; it says whose row it is, e.g. (item) => item.postId');
  if (endpoint.paginate.kind !== 'single' || endpoint.paginate.isOneRow)
    mistakes.push(
      `the answer for several parents is one list: endpoint "${endpoint.name}" needs paginate: { kind: 'single', items: (answer) => answer.items }`,
    );
  if (endpoint.job || endpoint.conditional || endpoint.paginate.comesInPieces)
    mistakes.push(
      `endpoint "${endpoint.name}" has \`job\`, \`conditional\` or a file's \`format\`, which is of one list; use s.each`,
    );
  return mistakes;
}

function valuesMistakes({ parent, values, options: { when } }: NodeDefinition): string[] {
  if (values === undefined) return [];
  const mistakes: string[] = [];
  if (typeof values !== 'function')
    mistakes.push('`s.values` needs a function that gives the values, e.g. ({ repos }) => repos');
  if (parent === null && when) mistakes.push('`when` is of the rows of a parent, and these values have none');
  return mistakes;
}

function treeMistakes(node: NodeDefinition, nodes: readonly NodeDefinition[]): string[] {
  const { tree, endpoint } = node;
  if (!tree) return [];
  const mistakes: string[] = [];
  if (typeof tree.top !== 'function')
    mistakes.push('`top` is missing; it says what stands above the first lists, e.g. (page) => ({ id: page.id })');
  if (endpoint.conditional || endpoint.job)
    mistakes.push(
      `endpoint "${endpoint.name}" has \`conditional\` or \`job\`, which may bring no rows, and a tree goes on below its rows`,
    );
  if (isInCycle(node, nodes)) return mistakes;
  for (let above = parentOf(node, nodes); above; above = parentOf(above, nodes))
    if (above.options.parents === 'changed')
      mistakes.push(`node "${above.name}" above it visits only parents that changed, and a tree is read as a whole`);
  return mistakes;
}

function incrementalMistakes({ options: { incremental }, endpoint }: NodeDefinition): string[] {
  if (incremental === undefined) return [];
  if (incremental === 'checkpoint')
    return endpoint.paginate.checkpoint
      ? []
      : [
          `incremental is "checkpoint", but endpoint "${endpoint.name}" keeps none; write paginate: { …, checkpoint: (answer) => answer.syncToken }`,
        ];
  if (typeof incremental !== 'object')
    return [`incremental is "${String(incremental)}"; it must be { field, lookbackMs } or "checkpoint"`];
  const { lookbackMs, zone, numbers } = incremental;
  const mistakes = [...missingFunctions(incremental, ['field']), ...unknownOptions(incremental, INCREMENTAL)];
  if (zone !== undefined && !isZone(zone))
    mistakes.push(`no time zone ${JSON.stringify(zone)} is known; write one like "Europe/Berlin" or "UTC"`);
  if (numbers !== undefined && !['milliseconds', 'seconds', 'ids'].includes(numbers))
    mistakes.push(`\`numbers\` is ${JSON.stringify(numbers)}; it must be one of milliseconds, seconds, ids`);
  return [
    ...mistakes.map((text) => `incremental: ${text}`),
    ...(lookbackMs >= 0 ? [] : [`incremental.lookbackMs is ${lookbackMs}; it must be 0 or more`]),
  ];
}

function childErrorMistakes(options: NodeDefinition['options']): string[] {
  const { onChildError } = options;
  const notObject = wrongObject(options, 'onChildError', "{ notFound: 'skip' }");
  if (onChildError === undefined || notObject.length > 0) return notObject;
  const { maxSkippedShare: share } = onChildError;
  return [
    ...unknownOptions(onChildError, CHILD_ERRORS).map((text) => `onChildError: ${text}`),
    ...(['notFound', 'forbidden'] as const)
      .filter((name) => onChildError[name] !== undefined && !['skip', 'fail'].includes(onChildError[name]))
      .map((name) => `onChildError.${name} is ${JSON.stringify(onChildError[name])}; it must be "skip" or "fail"`),
    ...(share === undefined || (share >= 0 && share <= 1)
      ? []
      : [`maxSkippedShare is ${share}; it must be from 0 to 1`]),
  ];
}

/** Null for a root. */
export function parentName(node: NodeDefinition): string | null {
  return node.parent === null || typeof node.parent === 'string' ? node.parent : node.parent.name;
}

export function parentOf(node: NodeDefinition, nodes: readonly NodeDefinition[]): NodeDefinition | undefined {
  const parent = parentName(node);
  return parent === null ? undefined : nodes.find((each) => each.name === parent);
}

function isInCycle(start: NodeDefinition, nodes: readonly NodeDefinition[]): boolean {
  const seen = new Set<NodeDefinition>();
  for (let node: NodeDefinition | undefined = start; node;) {
    if (seen.has(node)) return true;
    seen.add(node);
    node = parentOf(node, nodes);
  }
  return false;
}
