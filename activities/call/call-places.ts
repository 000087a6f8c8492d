/**
 * How many calls a worker makes at once, role by role: as many as it was started with, or fewer where an operator says so. Calls inside
 * workflow tasks wait here for a place; one that is made durably and finds none goes back, so that another worker takes it.
 * Used by: `activities/sync/serialize-calls.ts`, `activities/sync/fetch-page.ts`, `activities/action/perform-action.ts`; set by `workers/capacity/worker-control.ts`.
 */
export interface CallPlaces {
  /** Calls at once of each role, ≥ 0. */
  count(): number;
  /** Other calls at once, from now on; those that are under way go on. */
  set(count: number): void;
  /** Waits for a place; where there are none at all it passes without one, to be told so. @returns what gives it back. */
  wait(role: string): Promise<GiveBack> | GiveBack;
  /** Lets in who waits, as far as there are places now. */
  admit(): void;
  /** A place for a call that is made durably, which are counted by themselves; undefined when all are taken. */
  take(role: string): GiveBack | undefined;
}

export type GiveBack = () => void;

/**
 * Makes a durable call in a place of this worker. Where nothing counts them there is always one.
 * @returns undefined when all are taken: it was not made.
 */
export async function inPlace<Made>(
  { places }: { readonly places?: CallPlaces },
  role: string,
  call: () => Promise<Made>,
): Promise<Made | undefined> {
  const giveBack = places ? places.take(role) : NOTHING_TO_GIVE_BACK;
  if (!giveBack) return undefined;
  try {
    return await call();
  } finally {
    giveBack();
  }
}

/** No call is made: another worker takes it, or there is a place later. */
export const NO_PLACE = { reason: 'an operator has set how many calls at once this worker makes', delayMs: 2_000 };

interface Role {
  readonly name: string;
  inTasks: number;
  durable: number;
  /** Who comes first goes first. */
  readonly waiting: (() => void)[];
}

const NOTHING_TO_GIVE_BACK: GiveBack = () => {};

/** @param mostNow how many calls of a role there may be at this moment, whatever number is set; ≥ 1. */
export function createCallPlaces(initially: number, mostNow: (role: string) => number = () => Infinity): CallPlaces {
  let most = initially;
  const roles = new Map<string, Role>();
  const roleOf = (name: string): Role => {
    let role = roles.get(name);
    if (role === undefined) roles.set(name, (role = { name, inTasks: 0, durable: 0, waiting: [] }));
    return role;
  };
  const isOpen = ({ name, inTasks }: Role): boolean => most === 0 || inTasks < Math.min(most, mostNow(name));
  const admit = (role: Role): void => {
    while (role.waiting.length > 0 && isOpen(role)) role.waiting.shift()?.();
  };
  const admitAll = (): void => {
    for (const role of roles.values()) admit(role);
  };
  const enter = (role: Role): GiveBack => {
    if (most === 0) return NOTHING_TO_GIVE_BACK;
    role.inTasks++;
    return () => {
      role.inTasks--;
      admit(role);
    };
  };
  return {
    count: () => most,
    set(count) {
      most = count;
      admitAll();
    },
    admit: admitAll,
    wait(name) {
      const role = roleOf(name);
      if (isOpen(role)) return enter(role);
      return new Promise((resolve) => role.waiting.push(() => resolve(enter(role))));
    },
    take(name) {
      const role = roleOf(name);
      // As many as it was started with are Temporal's slots; one whose activity has timed out may still be at work beside them.
      if (most < initially && role.durable >= most) return undefined;
      role.durable++;
      return () => void role.durable--;
    },
  };
}
