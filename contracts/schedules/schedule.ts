/**
 * When runs of a sync are started by themselves, as plain JSON, and what is known of it. Made by
 * `providers/define/schedule-options.ts`; next: `slots.ts` says when an account is due.
 */
import type { Priority } from '../limits/limit.ts';
import type { RunMode } from '../run.ts';

/** When, for all accounts; each has its own moment within. */
export type ScheduleTimes =
  | { readonly kind: 'every'; readonly everyMs: number }
  | {
      readonly kind: 'calendar';
      /** `HH:MM` by the clock of the zone, ascending. */
      readonly at: readonly string[];
      /** 0 is Sunday; null: every day. */
      readonly weekdays: readonly number[] | null;
      /** 1 … 31; null: every day. */
      readonly daysOfMonth: readonly number[] | null;
      readonly zone: string;
      readonly spreadMs: number;
    };

/** What to do where a run of the account is going on when it is due. */
export type Overlap = 'join' | 'wait' | 'skip';

export interface ScheduleSpec {
  readonly times: ScheduleTimes;
  readonly mode: RunMode;
  readonly priority: Priority;
  readonly overlap: Overlap;
  /** How long the starts that were missed in an outage are spread over; null: they are left out. */
  readonly catchUpMs: number | null;
}

/** What a sync's code declares, by id: schedules by `sync` or `sync/name`, the age that its rows may have by `sync`. */
export type Declaration =
  | {
      readonly kind: 'schedule';
      readonly id: string;
      readonly sync: string;
      readonly provider: string;
      readonly spec: ScheduleSpec;
    }
  | {
      readonly kind: 'freshness';
      readonly id: string;
      readonly sync: string;
      readonly provider: string;
      readonly spec: FreshnessSpec;
    };

export interface FreshnessSpec {
  readonly freshForMs: number;
}

/** What applying would do, or has done, to one declaration. */
export interface PlannedChange {
  /**
   * `foreign`: workers of another task queue have it. It is never touched, and not carried out here.
   */
  readonly change: 'added' | 'changed' | 'removed' | 'unchanged' | 'foreign';
  readonly kind: Declaration['kind'];
  readonly id: string;
  readonly sync: string;
  /** In words; null where there is none. */
  readonly before: string | null;
  readonly after: string | null;
  /** Accounts that have their times by it now. */
  readonly accounts: number;
}

export interface SchedulePlan {
  readonly taskQueue: string;
  /** By kind and id. */
  readonly changes: readonly PlannedChange[];
  /** So much is removed that it looks like a mistake: applying must be told that it is meant. */
  readonly removesMany: boolean;
}

/** One schedule as it stands. */
export interface ScheduleStanding {
  /** `sync` or `sync/name`. */
  readonly id: string;
  readonly sync: string;
  readonly provider: string;
  /** Only workers of this task queue carry it out. */
  readonly taskQueue: string;
  /** In words: `every 1 h`. */
  readonly when: string;
  readonly spec: ScheduleSpec;
  /** ISO time; null while it is not paused. */
  readonly pausedAt: string | null;
  readonly pausedReason: string | null;
  /** Connected accounts that have their times by it, and those that wait to be connected again. Numbers count up to 10,000; more is 10,001. */
  readonly accounts: number;
  readonly disconnected: number;
  /** Accounts that are due and not started yet, and for how long the first of them has been, in milliseconds. */
  readonly due: number;
  readonly lateMs: number;
  /** ISO time of the next start; null when there is none. */
  readonly nextAt: string | null;
  /** Accounts whose last start failed, and why one of them did. */
  readonly failed: number;
  readonly lastError: string | null;
}

/** How one start of a schedule ended. */
export type DueOutcome = 'started' | 'joined' | 'busy' | 'skipped' | 'missed' | 'failed';

/** What a sync declares of itself. */
export function declarationsOf(sync: {
  readonly name: string;
  readonly provider: { readonly id: string };
  readonly schedules: readonly { readonly id: string; readonly spec: ScheduleSpec }[];
  readonly freshForMs: number | undefined;
}): Declaration[] {
  const of = { sync: sync.name, provider: sync.provider.id };
  const fresh = sync.freshForMs === undefined ? [] : [{ freshForMs: sync.freshForMs }];
  return [
    ...sync.schedules.map(({ id, spec }) => ({ kind: 'schedule' as const, id, ...of, spec })),
    ...fresh.map((spec) => ({ kind: 'freshness' as const, id: sync.name, ...of, spec })),
  ];
}
