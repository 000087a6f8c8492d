/**
 * Which test files need a quiet machine, and which begin first. Used by: vitest.config.ts, test/quick/repository/schedule.test.ts.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They measure what any other would disturb, so each of them runs when nothing else does. */
export const ALONE = [
  'test/postgres/limiter/race.test.ts',
  'test/temporal/lists/calls-ahead.test.ts',
  'test/temporal/operate/explain.test.ts',
];

/**
 * They need a quiet machine, and take little of it: two of them run side by side, and nothing else. The first takes as long as all others
 * together.
 */
export const QUIET = [
  'test/temporal/faults/chaos.test.ts',
  'test/temporal/dashboard/scale.test.ts',
  'test/postgres/limiter/learned.test.ts',
  'test/postgres/limiter/fairness.test.ts',
  // They count each call: of a workflow task that a busy machine is too late for, calls are made again.
  'test/temporal/lists/shapes.test.ts',
  'test/temporal/lists/sync-tree.test.ts',
];

/** They take half a minute and more, so they begin first: none of them is waited for alone at the end. */
export const LONG = [
  'test/temporal/operate/rolling-deploys.test.ts',
  'test/temporal/faults/killed-worker.test.ts',
  'test/temporal/processes/first-command.test.ts',
  'test/temporal/processes/dev.test.ts',
  'test/temporal/runs/long-waits.test.ts',
  'test/temporal/providers/vendors.test.ts',
  'test/temporal/lists/jobs.test.ts',
  'test/temporal/lists/write-behind.test.ts',
  'test/temporal/processes/dev-servers.test.ts',
  'test/temporal/runs/cancel.test.ts',
  'test/temporal/operate/rolling-restarts.test.ts',
  'test/temporal/operate/worker-control.test.ts',
  'test/temporal/faults/fuzz.test.ts',
  'test/temporal/processes/package.test.ts',
  'test/temporal/providers/simulate-sync.test.ts',
  'test/temporal/processes/operations-cli.test.ts',
  'test/temporal/faults/outage.test.ts',
  'test/temporal/alerts/alerts.test.ts',
  'test/temporal/processes/command-line.test.ts',
  'test/temporal/runs/reports.test.ts',
  'test/temporal/lists/whales.test.ts',
  'test/temporal/actions/conflicts.test.ts',
  'test/temporal/actions/post-exactly-once.test.ts',
  'test/temporal/runs/scheduled.test.ts',
  'test/temporal/runs/waits.test.ts',
  'test/temporal/operate/doctor.test.ts',
  'test/temporal/dashboard/dashboard.test.ts',
  'test/temporal/dashboard/acts.test.ts',
  'test/temporal/lists/reported-apis.test.ts',
  'test/temporal/lists/one-list.test.ts',
  'test/temporal/runs/stuck-runs.test.ts',
  'test/temporal/runs/second-start.test.ts',
  'test/postgres/pages/untrue-answers.test.ts',
  'test/postgres/pagination/broken-lists.test.ts',
  'test/postgres/pagination/moving-lists.test.ts',
  'test/postgres/actions/action-answers.test.ts',
  'test/postgres/pages/interleavings.test.ts',
  'test/postgres/pagination/honesty.test.ts',
  'test/postgres/faults/hostile-matrix.test.ts',
];

/**
 * One project after the other, so that no worker begins a process anew: that takes three seconds. The rest as vitest orders it: by what
 * it remembers of the last run, which a clean checkout has not.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
    // The tests with a Temporal server wait most, and the others fill what is left.
    const byProject = (a: TestSpecification, b: TestSpecification): number =>
      b.project.name.localeCompare(a.project.name);
    return sorted.toSorted((a, b) => group(a) - group(b) || byProject(a, b) || rank(a) - rank(b));
  }
}

const first = [...QUIET, ...LONG];

function rank({ moduleId }: TestSpecification): number {
  const place = first.findIndex((file) => moduleId.endsWith(`/${file}`));
  return place < 0 ? first.length : place;
}
