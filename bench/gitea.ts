/**
 * `npm run bench -- gitea`: builds a real Gitea once, fills it, and reads it with the provider that comes along: rows stored beside rows seeded,
 * calls beside the fewest possible. Its answers are recorded for the tests, which play them where no Gitea was built.
 */
import { fileURLToPath } from 'node:url';
import { atLeast, atMost, type Measure } from './common/measures.ts';
import { seedGitea } from './gitea/seed.ts';
import { buildGitea, startGitea } from './gitea/server.ts';
import { giteaSync } from '../providers/vendors/gitea/index.ts';
import { recordCassette, startSimulator } from '../testing/index.ts';

const CASSETTE = fileURLToPath(new URL('../test/fixtures/vendors/gitea.json', import.meta.url));
/** As an administrator may set it: more is asked for, and not given. */
const ROWS_A_PAGE = 5;

export async function runGitea(): Promise<readonly Measure[]> {
  console.log('Building Gitea from its Go module, which takes minutes the first time …');
  const gitea = await startGitea(await buildGitea(), ROWS_A_PAGE);
  const simulator = await startSimulator();
  try {
    const { repositories, issues, comments } = await seedGitea(gitea);
    const recorder = await recordCassette({ target: `${gitea.url}/api/v1`, file: CASSETTE });
    const credentials = { accessToken: gitea.token };
    const { result } = await simulator.run(giteaSync, { baseUrl: recorder.url, input: {}, credentials });
    await recorder.stop();
    const pages = (rows: number): number => Math.max(1, Math.ceil(rows / ROWS_A_PAGE));
    // Each repository is asked for its issues and comments; the first one has them all.
    const fewest = pages(repositories) + pages(issues) + pages(comments) + 2 * (repositories - 1);
    const rows = repositories + issues + comments;
    return [
      atLeast('rows stored, of those seeded', result.rows / rows, '', 1),
      atLeast('complete', Number(result.complete), '', 1),
      atMost('calls, of the fewest possible', result.calls / fewest, '', 1.2),
    ];
  } finally {
    await Promise.all([simulator.stop(), gitea.stop()]);
  }
}
