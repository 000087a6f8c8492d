/** Bounds of the slots that tune themselves; `test/temporal/operate/slots.test.ts` sees a real worker keep to the lower one. */
import { expect, it } from 'vitest';
import { STEPS_FOR_EACH_CALL } from '../../../activities/index.ts';
import { slotsOf } from '../../../workers/capacity/slots.ts';

const tuning = { min: 3, targetMemory: 0.8, targetCpu: 0.9 };

it('slots that tune themselves have the bounds that they are given', () => {
  expect(slotsOf(50, tuning).tuner).toMatchObject({
    activityTaskSlotOptions: { minimumSlots: 3, maximumSlots: 50 },
    localActivityTaskSlotOptions: { minimumSlots: 3, maximumSlots: 50 * STEPS_FOR_EACH_CALL },
    workflowTaskSlotOptions: { minimumSlots: 3 },
  });
  // The least is never above the most.
  expect(slotsOf(2, tuning).tuner).toMatchObject({ activityTaskSlotOptions: { minimumSlots: 2, maximumSlots: 2 } });
});

it('fixed slots are as many as calls at once', () => {
  const { tuner, maxConcurrentActivityTaskExecutions } = slotsOf(50, undefined);
  expect([tuner, maxConcurrentActivityTaskExecutions]).toEqual([undefined, 50]);
});
