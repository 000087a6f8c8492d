/**
 * The rest of a file, piece by piece. Each is a page of its own, stored with how far the file is read. So a crash costs
 * the way through the file again and not its rows. The file belongs to one call; the run that is paused or cancelled,
 * or another worker that has moved the list, ends it. Used by: `call-once.ts`. Next: `settle-answer.ts`.
 */
import type { PageFact } from '../../contracts/messages.ts';
import { formatNamed } from '../../contracts/answers/body-format.ts';
import type { LoadedUnit } from '../../db/stores/sync/unit-store.ts';
import type { Endpoint } from '../../providers/define/define-provider.ts';
import type { MadeCall } from '../call/make-call.ts';
import type { PieceOptions } from '../bodies/read-pieces.ts';
import type { RestOfBody } from '../bodies/rest-of-body.ts';
import type { Attempt } from './attempt.ts';
import { settle } from './settle-answer.ts';

/** One activity reads no longer than this, in milliseconds: below what its node allows for a call (`providers/define/define-sync.ts`). */
const LONGEST_MS = 3_000_000;

/** How a good answer is read; undefined: whole. */
export function piecesOf({ paginate, format }: Endpoint, { position }: LoadedUnit): PieceOptions | undefined {
  if (!paginate.comesInPieces || format === undefined) return undefined;
  const named = formatNamed(format);
  const { bytes, digest } = position ?? {};
  const isWanted = 'files' in named ? named.files : undefined;
  return {
    hasQuotes: named.kind === 'csv' && named.quote !== false,
    isWanted,
    hasHead: named.kind === 'csv' && named.columns === undefined,
    ...(bytes === undefined || digest === undefined ? {} : { from: { bytes, digest } }),
  };
}

export interface OpenFile {
  readonly attempt: Attempt;
  readonly made: MadeCall;
  readonly rest: RestOfBody;
  readonly signal: AbortSignal | undefined;
  /** Where the list stands. */
  readonly load: () => Promise<LoadedUnit | undefined>;
  /** The attempt at the next piece. */
  readonly at: (unit: LoadedUnit) => Attempt;
}

/** @param fact of the piece before. @throws ApplicationFailure as `fetchPage` does. */
export async function readOn({ attempt, made, rest, signal, load, at }: OpenFile, fact: PageFact): Promise<PageFact> {
  const { deps, node } = attempt;
  const endsAt = performance.now() + LONGEST_MS;
  let last = fact;
  let next: RestOfBody | undefined = rest;
  let hasChildren = false;
  const mayGoOn = (): boolean => !signal?.aborted && !deps.isStopping() && performance.now() < endsAt;
  while (next && last.state === 'more' && mayGoOn()) {
    const unit = await load();
    const isHere =
      unit?.runState === 'running' && unit.state === 'running' && unit.position?.bytes === next.soFar.bytes;
    if (!isHere) break;
    const { rest: further, ...answer } = await next.next();
    const piece = {
      answer,
      url: made.url,
      outcome: node.endpoint.decide(answer),
      ...(further ? { rest: further } : {}),
    };
    hasChildren ||= last.children === true;
    last = await settle({ ...at(unit), isCounted: true }, piece, { isProbe: false, asksForChanges: false }, true);
    next = further;
  }
  return hasChildren && (last.state === 'more' || last.state === 'ended') ? { ...last, children: true } : last;
}
