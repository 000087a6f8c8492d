import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import * as workflows from '../../../workflows/index.ts';
import { workflowBundle } from '../../setup/programs/programs.ts';

const folder = fileURLToPath(new URL('../../fixtures/histories/', import.meta.url));
const files = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.json'));

interface Recorded {
  /** Of a workflow that derives the ids of its children from it. */
  readonly workflowId: string;
  readonly events: {
    readonly workflowExecutionStartedEventAttributes?: { readonly workflowType?: { readonly name?: string } };
    activityTaskScheduledEventAttributes?: { activityType?: { name?: string } };
    readonly markerRecordedEventAttributes?: {
      readonly details?: Record<string, { readonly payloads?: readonly { readonly data?: string }[] }>;
    };
  }[];
}
const read = (file: string): Recorded => JSON.parse(readFileSync(folder + file, 'utf8')) as Recorded;

describe('recorded histories', () => {
  it('there are some of every workflow type', () => {
    const offered = Object.entries(workflows).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    const recorded = files.map(
      (file) => read(file).events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name,
    );
    expect(offered.length).toBeGreaterThan(0);
    expect(offered.filter((name) => !recorded.includes(name))).toEqual([]);
  });

  it('there are some of every change that a workflow has taken since the first version', () => {
    const sources = readdirSync(fileURLToPath(new URL('../../../workflows/', import.meta.url)), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(`../../../workflows/${file}`, import.meta.url), 'utf8'));
    const changes = sources.flatMap((source) =>
      [...source.matchAll(/patched\('([^']+)'\)/g)].map(([, change]) => change),
    );
    const taken = files.flatMap((file) =>
      read(file).events.flatMap(({ markerRecordedEventAttributes: marker }) => {
        const data = marker?.details?.['patch-data']?.payloads?.[0]?.data;
        return data === undefined ? [] : [(JSON.parse(Buffer.from(data, 'base64').toString()) as { id: string }).id];
      }),
    );
    expect(changes.filter((change) => change !== undefined && !taken.includes(change))).toEqual([]);
  });

  it.each(files)('%s replays against the workflows of this build', async (file) => {
    const { workflowId, events } = read(file);
    await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, { events }, workflowId);
  });

  it('a history with other commands is refused, so that the replay proves something', async () => {
    const { workflowId, events } = read(files.find((name) => name.endsWith('tree-limited.json')) as string);
    const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes);
    if (scheduled?.activityTaskScheduledEventAttributes) {
      scheduled.activityTaskScheduledEventAttributes.activityType = { name: 'somethingElse' };
    }
    expect(scheduled).toBeDefined();
    await expect(Worker.runReplayHistory({ workflowBundle: workflowBundle() }, { events }, workflowId)).rejects.toThrow(
      /nondeterminism/i,
    );
  });
});
