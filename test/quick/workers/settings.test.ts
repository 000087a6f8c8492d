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
