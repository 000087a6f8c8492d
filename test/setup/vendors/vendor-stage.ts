/**
 * What tests of providers that come along share: a simulator for each file, a third party for each test. Used by
 * `test/temporal/providers`.
 */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startFakeApi, startSimulator, type FakeApi, type Simulator } from '../../../testing/index.ts';

/** A result in which nothing is missing. */
export const whole = { state: 'done', complete: true, flaws: [] };

/** @param set is given the simulator of the file. */
export function onSimulator(set: (simulator: Simulator) => void): void {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator();
    set(simulator);
  });
  afterAll(() => simulator?.stop());
}

/** For tests that run one after the other. @param set is given a third party before each of them. */
export function onThirdParty(set: (api: FakeApi) => void): void {
  beforeEach(async () => {
    const api = await startFakeApi();
    set(api);
    return () => api.stop();
  });
}
