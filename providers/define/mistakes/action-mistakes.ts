/**
 * What is wrong with the options of an action or a saga, in words. A misspelt `afterMs` would write twice, and a look-up that can't be
 * made would be noticed on the day on which an answer is lost. Used by: `../define-provider.ts` and `../define-saga.ts`.
 */
import type { BodyFormat } from '../../../contracts/answers/body-format.ts';
import type { ConflictPolicy } from '../../../contracts/action.ts';
import {
  asyncFunctions,
  missingFunctions,
  outOfRange,
  schemaMistakes,
  unknownOptions,
  wrongBooleans,
  wrongFunctions,
  type NamesOf,
} from '../../../contracts/values/option-mistakes.ts';
import { formatMistakes } from './body-mistakes.ts';
import type { CommonOptions, Conflicts, PerformActionOptions, RequestActionOptions } from '../define-action.ts';

type Requested = RequestActionOptions<unknown, unknown>;
type Performed = PerformActionOptions<unknown, unknown>;

const ACTION_OPTIONS = {
  input: true,
  output: true,
  what: true,
  idempotent: true,
  keyGoodForMs: true,
  conflicts: true,
  limits: true,
  maxAttempts: true,
  totalTimeoutMs: true,
  request: true,
  response: true,
  made: true,
  format: true,
  whenUnknown: true,
  compensate: true,
  classify: true,
  perform: true,
} satisfies NamesOf<
  Requested & Performed & { readonly input: unknown; readonly output: unknown; readonly response: unknown }
>;
const LOOKUP_OF_REQUEST = { lookup: true, found: true, afterMs: true, guards: true } satisfies NamesOf<
  NonNullable<Requested['whenUnknown']>
>;
const LOOKUP_OF_PERFORM = { lookup: true, afterMs: true } satisfies NamesOf<NonNullable<Performed['whenUnknown']>>;
const CONFLICTS = { entity: true, policy: true } satisfies NamesOf<Conflicts<unknown>>;
const POLICIES = { wait: true, refuse: true, 'cancel-previous': true } satisfies Record<ConflictPolicy, true>;

export function actionMistakes(options: object): string[] {
  const { idempotent, keyGoodForMs, whenUnknown, conflicts, format } = options as CommonOptions<unknown> & {
    readonly whenUnknown?: unknown;
    readonly format?: BodyFormat;
  };
  const isPerformed = 'perform' in options;
  return [
    ...schemaMistakes(options, ['input', 'output', ...('response' in options ? ['response'] : [])]),
    ...('response' in options && !('made' in options)
      ? ['`response` says nothing without `made`, which makes the output of it; leave it out']
      : []),
    ...missingFunctions(options, [isPerformed ? 'perform' : 'request']),
    ...wrongFunctions(options, ['what', 'made', 'compensate', 'classify']),
    ...asyncFunctions(options, isPerformed ? ['perform', 'compensate'] : []),
    ...unknownOptions(options, ACTION_OPTIONS),
    ...(isPerformed
      ? ['request', 'response', 'made', 'format', 'classify']
          .filter((name) => name in options)
          .map((name) => `\`${name}\` says nothing beside \`perform\`; leave one of them out`)
      : []),
    ...wrongBooleans(options, ['idempotent']),
    ...(keyGoodForMs === Infinity ? [] : outOfRange(options, ['keyGoodForMs'], 1)),
    ...(keyGoodForMs !== undefined && !idempotent ? ['`keyGoodForMs` says nothing without `idempotent: true`'] : []),
    ...outOfRange(options, ['maxAttempts', 'totalTimeoutMs'], 1),
    // All of a good answer is its output: rows of CSV too.
    ...formatMistakes(format, 'single'),
    ...('files' in Object(format) ? ['format.files: the answer of an action is one file; leave it out'] : []),
    ...(whenUnknown === undefined ? [] : lookupMistakes(whenUnknown, isPerformed)),
    ...conflictMistakes(conflicts),
  ];
}

/** @param conflicts of an action or a saga. */
export function conflictMistakes(conflicts: unknown): string[] {
  if (conflicts === undefined) return [];
  if (!isObject(conflicts)) return ['`conflicts` must be an object: { entity: (input) => `note/${input.id}` }'];
  const { policy = 'wait' } = conflicts as { readonly policy?: unknown };
  return [
    ...missingFunctions(conflicts, ['entity']),
    ...asyncFunctions(conflicts),
    ...unknownOptions(conflicts, CONFLICTS),
    ...(Object.hasOwn(POLICIES, String(policy))
      ? []
      : [`\`policy\` is ${JSON.stringify(policy)}; it must be "wait", "refuse" or "cancel-previous"`]),
  ].map((text) => `conflicts: ${text}`);
}

function lookupMistakes(whenUnknown: unknown, isPerformed: boolean): string[] {
  if (!isObject(whenUnknown))
    return [`\`whenUnknown\` must be an object: ${isPerformed ? '{ lookup }' : '{ lookup, found }'}`];
  return [
    ...missingFunctions(whenUnknown, isPerformed ? ['lookup'] : ['lookup', 'found']),
    ...asyncFunctions(whenUnknown, isPerformed ? ['lookup'] : []),
    ...unknownOptions(whenUnknown, isPerformed ? LOOKUP_OF_PERFORM : LOOKUP_OF_REQUEST),
    ...outOfRange(whenUnknown, ['afterMs'], 0),
  ].map((text) => `whenUnknown: ${text}`);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
