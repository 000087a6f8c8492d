import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../fixtures/histories/', import.meta.url));
const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
const files = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.json'));

interface Recorded {
  /** The workflow derives the ids of its children from it. */
  readonly workflowId: string;
  readonly events: { activityTaskScheduledEventAttributes?: { activityType?: { name?: string } } }[];
}
const read = (file: string): Recorded => JSON.parse(readFileSync(folder + file, 'utf8')) as Recorded;

describe('recorded histories', () => {
  let workflowBundle: { code: string };
  beforeAll(async () => {
    workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  });

  it('there are some of every workflow type', () => {
    const types = files.map((file) => /(\w+?)(-\w+)?\.json$/.exec(file)?.[1]);
    expect(types).toEqual(expect.arrayContaining(['sync', 'resource']));
  });

  it.each(files)('%s replays against the workflows of this build', async (file) => {
    const { workflowId, events } = read(file);
    await Worker.runReplayHistory({ workflowBundle }, { events }, workflowId);
  });

  it('a history with other commands is refused, so that the replay proves something', async () => {
    const { workflowId, events } = read(files.find((name) => name.endsWith('resource-limited.json')) as string);
    const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes);
    if (scheduled?.activityTaskScheduledEventAttributes) {
      scheduled.activityTaskScheduledEventAttributes.activityType = { name: 'somethingElse' };
    }
    expect(scheduled).toBeDefined();
    await expect(Worker.runReplayHistory({ workflowBundle }, { events }, workflowId)).rejects.toThrow(
      /nondeterminism/i,
    );
  });
});
