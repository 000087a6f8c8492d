/** Settings of a worker as its environment gives them. */
import { describe, expect, it } from 'vitest';
import { taskQueueOf } from '../../../contracts/names.ts';
import { readWorkerSettings } from '../../../workers/index.ts';

describe('the roles of a worker', () => {
  it('are all unless SLUICE_ROLES names some, each once', () => {
    expect(readWorkerSettings({}).roles).toEqual(['interactive', 'bulk', 'background']);
    expect(readWorkerSettings({ SLUICE_ROLES: '' }).roles).toEqual(['interactive', 'bulk', 'background']);
    expect(readWorkerSettings({ SLUICE_ROLES: 'background, bulk,background' }).roles).toEqual(['background', 'bulk']);
    expect(() => readWorkerSettings({ SLUICE_ROLES: 'bulk,batch' })).toThrow(/SLUICE_ROLES.*"bulk,batch"/);
  });

  it('have a task queue each; that of bulk is the task queue itself', () => {
    expect(taskQueueOf('sluice', 'interactive')).toBe('sluice-interactive');
    expect(taskQueueOf('sluice', 'bulk')).toBe('sluice');
    expect(taskQueueOf('sluice', 'background')).toBe('sluice-background');
  });
});

describe('the build of a worker', () => {
  it('is none unless SLUICE_BUILD_ID names one; its deployment is called as the task queue is, without dots', () => {
    expect(readWorkerSettings({}).build).toBeUndefined();
    expect(readWorkerSettings({ SLUICE_BUILD_ID: '7f3a', SLUICE_TASK_QUEUE: 'app.eu' }).build).toEqual({
      deployment: 'app-eu',
      buildId: '7f3a',
    });
    expect(readWorkerSettings({ SLUICE_BUILD_ID: '7f3a', SLUICE_DEPLOYMENT: 'crm' }).build?.deployment).toBe('crm');
    expect(() => readWorkerSettings({ SLUICE_BUILD_ID: '1.2' })).toThrow(/SLUICE_BUILD_ID is "1.2".*without dots/);
  });
});

describe('the slots of a worker', () => {
  it('are fixed, or tune themselves between the two numbers', () => {
    expect(readWorkerSettings({})).toMatchObject({ concurrency: 200, maxHeap: 0.85 });
    expect(readWorkerSettings({}).tuning).toBeUndefined();
    const given = { SLUICE_SLOTS: 'auto', SLUICE_CONCURRENCY: '8', SLUICE_TARGET_CPU: '0.5' };
    // Never more at least than at most.
    expect(readWorkerSettings(given).tuning).toEqual({ min: 8, targetMemory: 0.8, targetCpu: 0.5 });
    expect(() => readWorkerSettings({ SLUICE_SLOTS: 'many' })).toThrow(/SLUICE_SLOTS is "many"/);
    expect(() => readWorkerSettings({ SLUICE_MAX_HEAP: '2' })).toThrow(/SLUICE_MAX_HEAP is "2"/);
  });
});
