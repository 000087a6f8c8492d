/**
 * Whether names that somebody has typed are known: a misspelt provider, sync, node, account or tenant has nothing, like one that is new.
 * Asked where nothing was found. Used by `cli/commands`. Next: `db/stores/operate/name-store.ts`.
 */
import { didYouMean, nearName } from '../contracts/operate/near-name.ts';
import type { Sluice } from '../client/index.ts';
import type { NameKind } from '../db/index.ts';
import type { Provider } from '../providers/index.ts';
import type { LoadedModule } from './module/load-module.ts';
import { tell } from './tell.ts';
import { sayMore } from './text/more.ts';

/** Names as they were typed. The node is one of the sync, the account one at the provider, where these are given. */
export type TypedNames = Partial<Readonly<Record<NameKind, string | undefined>>>;

const MOST_TOLD = 10;
const WORDS: Readonly<Partial<Record<NameKind, string>>> = { work: 'sync, action or saga', queue: 'task queue' };

export const knownProviders = (sluice: Sluice): Promise<readonly string[]> => namesOf(sluice, 'provider');

async function namesOf(sluice: Sluice, kind: NameKind, of?: string): Promise<readonly string[]> {
  const [{ partsOf }, { readKnownNames }] = await Promise.all([
    import('../client/parts-of.ts'),
    import('../db/index.ts'),
  ]);
  return readKnownNames(partsOf(sluice).pool, kind, of);
}

/** @returns a sentence for each name that is not known here: which one is meant, or which there are. */
export async function unknownNames(sluice: Sluice, typed: TypedNames): Promise<string[]> {
  const of: TypedNames = { account: typed.provider, node: typed.sync };
  const kinds = (['provider', 'sync', 'work', 'account', 'node', 'tenant', 'queue'] as const).filter(
    (kind) => typed[kind] !== undefined,
  );
  const told = await Promise.all(
    kinds.map(async (kind) => {
      const known = await namesOf(sluice, kind, of[kind]);
      const name = typed[kind] ?? '';
      return known.includes(name) ? undefined : { kind, text: unknownText(kind, name, known, of[kind]) };
    }),
  );
  const unknown = told.filter((each) => each !== undefined);
  // What is below an unknown name is unknown with it.
  const isBelow = (kind: NameKind): boolean =>
    unknown.some(
      (each) => (kind === 'account' && each.kind === 'provider') || (kind === 'node' && each.kind === 'sync'),
    );
  return unknown.filter(({ kind }) => !isBelow(kind)).map(({ text }) => text);
}

/** Behind the id of a workflow that nobody knows, with exit code 1: its parts are names. */
export async function tellUnknownId(sluice: Sluice, workflowId: string): Promise<void> {
  process.exitCode = 1;
  await tellUnknownNames(sluice, namesInId(workflowId));
}

function namesInId(workflowId: string): TypedNames {
  const [kind, first, second, third] = workflowId.split('/');
  if (kind === 'sync') return { sync: first, account: second };
  if (kind === 'action') return { provider: first, account: third };
  return kind === 'saga' ? { account: second } : {};
}

/** What an act was done to: a workflow, an account with its provider or without, or a key of a limit. */
export function namesInSubject(subject: string): TypedNames {
  if (/^(sync|action|saga)\//.test(subject)) return namesInId(subject);
  const [first, ...rest] = subject.split('/');
  if (rest.length === 0) return { account: subject };
  return { provider: first, ...(rest.length === 1 && rest[0] !== '*' ? { account: rest[0] } : {}) };
}

/** What an act on a workflow throws is told with the names of its id that nobody knows. */
export async function withNamesOf<Result>(
  sluice: Sluice,
  workflowId: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    // The error is what matters.
    await tellUnknownId(sluice, workflowId).catch(() => {});
    throw error;
  }
}

/** Behind an empty list: exit code 1 where a name that it was asked for is not known. */
export async function tellUnknownNames(sluice: Sluice, typed: TypedNames): Promise<void> {
  const sentences = await unknownNames(sluice, typed);
  for (const sentence of sentences) console.error(sentence);
  if (sentences.length > 0) process.exitCode = 1;
}

/** How a command says what it has found, and where that is nothing, which of the names that it was asked for is not known. */
export async function tellFound<Found>(
  sluice: Sluice,
  { json, limit }: { readonly json?: boolean | undefined; readonly limit: number },
  found: readonly Found[],
  words: {
    readonly none: string;
    readonly line: (each: Found) => string;
    readonly names: TypedNames;
    /** As `--after` takes it. */
    readonly placeOf: (last: Found) => string | number;
  },
): Promise<void> {
  tell({ json }, found, found.length === 0 ? words.none : found.map(words.line).join('\n'));
  const last = found.at(-1);
  if (last === undefined) await tellUnknownNames(sluice, words.names);
  else if (!json) sayMore(found, limit, words.placeOf(last));
}

/** `No provider "planer" is known here; did you mean planner?` @param of the provider of an account, the sync of a node. */
export function unknownText(kind: NameKind, name: string, known: readonly string[], of?: string): string {
  const near = nearName(name, known);
  const there = known.length > MOST_TOLD ? `${known.slice(0, MOST_TOLD).join(', ')} and ${known.length - MOST_TOLD} more` : known.join(', '); // prettier-ignore
  const others = known.length === 0 ? ', nor any other.' : `; known are ${there}.`;
  const hint = near === undefined ? others : `; did you mean ${near}?`;
  const where = of === undefined ? 'here' : kind === 'account' ? `at ${of}` : `in ${of}`;
  return `No ${WORDS[kind] ?? kind} ${JSON.stringify(name)} is known ${where}${hint}`;
}

/**
 * Before something is started: that its account is not connected where calls need it, and which one may be meant. It is only said: the
 * account may be connected a moment later.
 */
export async function tellUnconnected(
  sluice: Sluice,
  account: string,
  providers: readonly Provider[],
  { credentials }: Pick<LoadedModule, 'credentials'>,
): Promise<void> {
  // Credentials of the module's own are known to its workers alone.
  if (credentials) return;
  for (const { id, auth } of new Set(providers)) {
    if (!auth.required || (await sluice.accounts.status({ provider: id, account }))) continue;
    const known = await namesOf(sluice, 'account', id);
    console.error(`Account ${JSON.stringify(account)} is not connected at ${id}, as its calls need${didYouMean(account, known) || '.'}`); // prettier-ignore
  }
}
