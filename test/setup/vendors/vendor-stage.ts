/**
 * What tests of providers that come along share: a simulator for each file, a third party for each test. Used by
 * `test/temporal/providers`.
 */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startFakeApi, startSimulator, type FakeApi, type Simulator } from '../../../testing/index.ts';

export interface VendorStage {
  readonly api: FakeApi;
  readonly simulator: Simulator;
}

/** A result in which nothing is missing. */
export const whole = { state: 'done', complete: true, flaws: [] };

/** @param set is given the stage before each test. */
export function onVendorStage(set: (stage: VendorStage) => void): void {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(() => simulator?.stop());
  beforeEach(async () => {
    const api = await startFakeApi();
    set({ api, simulator });
    return () => api.stop();
  });
}
