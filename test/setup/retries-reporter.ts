/**
 * Vitest reporter: a test that passed only when it was tried again fails the run, by name. A second try says whether a
 * failure can be had again; it does not make the suite green.
 */
import type { Reporter, TestModule } from 'vitest/node';

export class RetriesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap((module) =>
      [...module.children.allTests('passed')]
        .filter((test) => test.diagnostic()?.flaky)
        .map(
          (test) => `${module.relativeModuleId} > ${test.fullName}\n    ${test.result().errors?.[0]?.message ?? ''}`,
        ),
    );
    if (flaky.length === 0) return;
    console.error(
      `Passed only when tried again, so they prove nothing:\n${flaky.map((name) => `  ${name}`).join('\n')}`,
    );
    process.exitCode = 1;
  }
}
