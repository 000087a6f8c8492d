/** docs/operate/deploy.md has every setting that the code reads. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readWorkerSettings } from '../../../workers/index.ts';

const root = new URL('../../../', import.meta.url);
const FOLDERS = ['cli', 'client', 'connecting', 'contracts', 'dashboard', 'db', 'dev-servers', 'limiter', 'workers'];
/** Read from the environment, or named as what an option falls back to. */
const READ = /(?:env\['|default: |[{,] )(SLUICE_(?!VERSION\b)[A-Z_]*[A-Z])\b/g;

it('every setting that is read stands in the table of settings', () => {
  const read = new Set<string>();
  for (const folder of FOLDERS)
    for (const file of readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const [, name] of readFileSync(new URL(`${folder}/${file}`, root), 'utf8').matchAll(READ)) read.add(name!);
  expect(read.size).toBeGreaterThan(15);
  const page = readFileSync(new URL('docs/operate/deploy.md', root), 'utf8');
  const rows = page
    .slice(page.indexOf('\n## Settings'))
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const told = new Set(rows.flatMap((row) => (row.split('|')[1] ?? '').match(/SLUICE_[A-Z_]+/g) ?? []));
  expect([...read].filter((name) => !told.has(name))).toEqual([]);
});

it('the defaults in that table are those of a worker', () => {
  const page = readFileSync(new URL('docs/operate/deploy.md', root), 'utf8');
  const documented = new Map(
    [...page.matchAll(/^\| (`SLUICE_[^|]*?) *\| (`[^|]*?) *\|/gm)].flatMap(([, names = '', defaults = '']) => {
      const given = defaults.split(', ').map((each) => each.replaceAll('`', ''));
      return (names.match(/SLUICE_[A-Z_]+/g) ?? []).map((name, index) => [name, given[index]] as const);
    }),
  );
  const { tuning, ...settings } = readWorkerSettings({ SLUICE_SLOTS: 'auto' });
  expect(Object.fromEntries([...documented].filter(([name]) => name !== 'SLUICE_SLOTS'))).toEqual({
    SLUICE_TASK_QUEUE: settings.taskQueue,
    SLUICE_CONCURRENCY: String(settings.concurrency),
    SLUICE_MIN_CONCURRENCY: String(tuning?.min),
    SLUICE_TARGET_MEMORY: String(tuning?.targetMemory),
    SLUICE_TARGET_CPU: String(tuning?.targetCpu),
    SLUICE_MAX_HEAP: String(settings.maxHeap),
    SLUICE_DEPLOY_MINUTES: String(settings.deployMinutes),
    SLUICE_DB_CONNECTIONS: String(settings.dbConnections),
    SLUICE_EGRESS: settings.egress,
    SLUICE_DRAIN_SECONDS: String(settings.drainSeconds),
    SLUICE_LOG_LEVEL: settings.logLevel,
  });
  // `fixed` is the default.
  expect([documented.get('SLUICE_SLOTS'), readWorkerSettings({}).tuning]).toEqual(['fixed', undefined]);
});
