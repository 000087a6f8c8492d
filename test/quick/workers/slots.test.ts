/** Bounds of the slots of a worker; `test/temporal/operate/slots.test.ts` sees a real one keep to the lower one. */
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { STEPS_FOR_EACH_CALL } from '../../../activities/index.ts';
import { slotsOf } from '../../../workers/capacity/slots.ts';

const tuning = { min: 3, targetMemory: 0.8, targetCpu: 0.9 };

it('slots that tune themselves have the bounds that they are given', () => {
  expect(slotsOf(50, tuning).tuner).toMatchObject({
    activityTaskSlotSupplier: { minimumSlots: 3, maximumSlots: 50 },
    localActivityTaskSlotSupplier: { minimumSlots: 3, maximumSlots: 50 * STEPS_FOR_EACH_CALL },
    workflowTaskSlotSupplier: { minimumSlots: 3, maximumSlots: 50 },
  });
  // The least is never above the most.
  expect(slotsOf(2, tuning).tuner).toMatchObject({ activityTaskSlotSupplier: { minimumSlots: 2, maximumSlots: 2 } });
});

it('else there are as many as calls at once; of workflow tasks a few for each core, and more while the machine has time', () => {
  expect(slotsOf(500, undefined).tuner).toMatchObject({
    activityTaskSlotSupplier: { type: 'fixed-size', numSlots: 500 },
    localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 500 * STEPS_FOR_EACH_CALL },
    workflowTaskSlotSupplier: { minimumSlots: Math.min(500, 16 * availableParallelism()), maximumSlots: 500 },
  });
});
