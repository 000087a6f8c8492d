import { expect, it } from 'vitest';
import { withRelativeSources } from '../../../scripts/relative-sources.mjs';

it('takes the folder of the build out of the workflow bundle: stacks of reports would show it', () => {
  const inline = (map: object) =>
    `run();\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
  const built = inline({ version: 3, sources: ['/home/me/sluice/workflows/saga.ts', 'webpack/x'], mappings: 'AAAA' });
  expect(withRelativeSources(built, '/home/me/sluice/')).toBe(
    inline({ version: 3, sources: ['workflows/saga.ts', 'webpack/x'], mappings: 'AAAA' }),
  );
});
