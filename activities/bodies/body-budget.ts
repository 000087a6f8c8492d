/**
 * Memory that bodies may take in this process, all concurrent calls together. A small body takes nothing of it. One
 * that turns out larger asks for all that it may still become, once, and waits for its turn before more of it is read.
 * So bodies that are half read never wait for each other. Used by: `read-body.ts`,
 * `read-pieces.ts`; held until the page is stored by `activities/sync/call-once.ts`.
 */

/** Bodies up to this size are not counted, in bytes: 200 calls at once have 50 MiB of them at most. */
export const SMALL_BODY_BYTES = 256 * 1024;
const DEFAULT_BUDGET_BYTES = 128 * 1024 * 1024;

export interface BodyBudget {
  /** The part of one call; nothing is taken yet. */
  hold(): BodyHold;
  /** Bytes that are taken at the moment. */
  taken(): number;
}

export interface BodyHold {
  /**
   * Waits until so many bytes are free, in the order of asking, and takes them. At most once for each hold.
   * @throws the reason of `signal` when it is aborted before.
   */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Gives back all but so many bytes. */
  keep(bytes: number): void;
  release(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** @param totalBytes Default 128 MiB. A body that is larger than all of it has it for itself. */
export function createBodyBudget(totalBytes = DEFAULT_BUDGET_BYTES): BodyBudget {
  let taken = 0;
  let waiting: readonly Waiting[] = [];
  const next = (): void => {
    for (let first = waiting[0]; first && taken + first.bytes <= totalBytes; first = waiting[0]) {
      waiting = waiting.slice(1);
      taken += first.bytes;
      first.go();
    }
  };
  const giveBack = (bytes: number): void => {
    taken -= bytes;
    next();
  };
  return {
    taken: () => taken,
    hold: () => {
      let held = 0;
      const keep = (bytes: number): void => {
        const freed = Math.max(0, held - bytes);
        held -= freed;
        if (freed > 0) giveBack(freed);
      };
      return {
        take: (wanted, signal) =>
          new Promise<void>((resolve, reject) => {
            const place: Waiting = {
              bytes: Math.min(wanted, totalBytes),
              go: () => {
                signal.removeEventListener('abort', leave);
                held += place.bytes;
                resolve();
              },
            };
            const leave = (): void => {
              waiting = waiting.filter((each) => each !== place);
              reject(signal.reason as Error);
              next();
            };
            if (signal.aborted) return leave();
            signal.addEventListener('abort', leave, { once: true });
            waiting = [...waiting, place];
            next();
          }),
        keep,
        release: () => keep(0),
      };
    },
  };
}
