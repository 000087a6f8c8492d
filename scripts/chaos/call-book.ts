/**
 * Reads the book that the third party keeps of its calls: how many there were, how many came again, and whether any came
 * above the limit. The clock is the third party's own.
 */
import { readFile } from 'node:fs/promises';

export interface CallBook {
  readonly calls: number;
  /** Distinct calls: the least number for this work. */
  readonly least: number;
  /** Calls that were made as often as they had to before, of accounts that nobody has had read again. */
  readonly repeated: number;
  /** The most calls in any window. */
  readonly mostInWindow: number;
}

/**
 * @param perMs length of the window; a call counts from its arrival until just before it is as old as that.
 * @param isLookedAtTwice pages that a reader asks for twice by itself.
 * @param readAgain accounts whose lists were rightly read more than once.
 */
export async function readCallBook(
  file: string,
  perMs: number,
  isLookedAtTwice: (target: string) => boolean = () => false,
  readAgain: ReadonlySet<string> = new Set(),
): Promise<CallBook> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''; // no call yet
    throw error;
  });
  const lines = text.split('\n').filter(Boolean);
  const times = lines.map((line) => Number(line.slice(0, line.indexOf(' ')))).sort((a, b) => a - b);
  const asked = lines.map((line) => line.slice(line.indexOf(' ') + 1));
  const targets = new Set(asked);
  const once = asked.filter((target) => !readAgain.has(/^\/\w+\/(a\d+)/.exec(target)?.[1] ?? ''));
  const counts = new Map<string, number>();
  for (const target of once) counts.set(target, (counts.get(target) ?? 0) + 1);
  let repeated = 0;
  for (const [target, count] of counts) repeated += Math.max(0, count - (isLookedAtTwice(target) ? 2 : 1));
  let mostInWindow = 0;
  let first = 0;
  for (const [last, at] of times.entries()) {
    while ((times[first] as number) + perMs <= at) first++;
    mostInWindow = Math.max(mostInWindow, last - first + 1);
  }
  return { calls: lines.length, least: targets.size, repeated, mostInWindow };
}
