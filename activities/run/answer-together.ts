/**
 * Calls of one workflow that a worker makes at the same time are answered together. Each time that a workflow hears of
 * something costs its thread a millisecond. Used by: `activities/index.ts` for fleets.
 */

/** Whose call has ended waits so long at most for those of the others, in milliseconds. */
const LONGEST_MS = 200;

interface Group {
  /** Calls that are being made. */
  open: number;
  answered: Promise<void>;
  answer: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** @returns does the work, and resolves with what it brought when the others of the same key have ended, or some time later. */
export function createTogether(
  longestMs = LONGEST_MS,
): <Result>(key: string, work: () => Promise<Result>) => Promise<Result> {
  const groups = new Map<string, Group>();
  const answer = (group: Group): void => {
    clearTimeout(group.timer);
    group.timer = undefined;
    group.answer();
    group.answered = new Promise((resolve) => (group.answer = resolve));
  };
  return async (key, work) => {
    const group = groups.get(key) ?? emptyGroup();
    groups.set(key, group);
    group.open++;
    try {
      return await work();
    } finally {
      const { answered } = group;
      if (--group.open === 0) {
        groups.delete(key);
        answer(group);
      } else group.timer ??= setTimeout(() => answer(group), longestMs);
      await answered;
    }
  };
}

function emptyGroup(): Group {
  let answer: () => void = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  return { open: 0, answered, answer, timer: undefined };
}
