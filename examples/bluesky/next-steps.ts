/** What a person who has seen the demo may do next. Used by `demo.ts`. */
import type { DemoOptions } from './demo-options.ts';

export function nextSteps({ keep, killWorker }: Pick<DemoOptions, 'keep' | 'killWorker'>): readonly string[] {
  return [
    'What to do next:',
    ...(killWorker ? [] : ['  npm run demo -- --kill-worker   kills a worker in the middle: nothing is lost']),
    ...(keep ? [] : ["  npm run demo -- --keep          leaves it running, to look at it in Temporal's Web UI"]),
    '  examples/first-sync/sluice.ts   is a sync to begin your own with: README.md, "Install it" and "What you write"',
  ];
}
