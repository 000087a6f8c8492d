/**
 * The provider against a real Gitea, written from its documentation alone. The program is built once by `npm run bench -- gitea`; where it was
 * not, the test says so and is skipped.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callGitea, seedGitea } from '../../../bench/gitea/seed.ts';
import { findGitea, startGitea, type RunningGitea } from '../../../bench/gitea/server.ts';
import { createIssue, giteaSync } from '../../../providers/vendors/gitea/index.ts';
import { startSimulator, type Simulator } from '../../../testing/index.ts';

const found = await findGitea();
if (typeof found === 'string') console.warn(`The real Gitea is not asked: ${found}.`);

let simulator: Simulator;
let gitea: RunningGitea;
beforeAll(async () => {
  if (typeof found === 'string') return;
  [simulator, gitea] = await Promise.all([startSimulator(), startGitea(found, 5)]);
}, 120_000);
afterAll(async () => {
  await Promise.all([simulator?.stop(), gitea?.stop()]);
});

it.skipIf(typeof found === 'string')(
  'a real Gitea that gives five rows a page, whatever it is asked for, is read to the end, and what has changed is found',
  async () => {
    const seeded = await seedGitea(gitea);
    const { repositories, issues, comments } = giteaSync;
    const account = {
      account: 'real',
      baseUrl: `${gitea.url}/api/v1`,
      input: {},
      credentials: { accessToken: gitea.token },
    };
    const first = await simulator.run(giteaSync, account);
    expect(first.result).toMatchObject({ state: 'done', complete: true, flaws: [] });
    const counted = [first.rows(repositories).length, first.rows(issues).length, first.rows(comments).length];
    expect(counted).toEqual([seeded.repositories, seeded.issues, seeded.comments]);

    const place = '/repos/sluice/repo-0';
    await callGitea(gitea, 'PATCH', `${place}/issues/4`, { title: 'Mended' });
    await callGitea(gitea, 'DELETE', `${place}/issues/5`);
    await callGitea(gitea, 'DELETE', '/repos/sluice/repo-6');
    const second = await simulator.run(giteaSync, account);
    expect(second.result).toMatchObject({ state: 'done', complete: true });
    expect(second.rows(issues)).toContainEqual(expect.objectContaining({ number: 4, title: 'Mended' }));
    expect(second.rows(repositories)).toHaveLength(seeded.repositories - 1);
    const full = await simulator.run(giteaSync, { ...account, mode: 'full' });
    expect(full.rows(issues)).toHaveLength(seeded.issues - 1);

    const input = { owner: 'sluice', repo: 'repo-0', title: 'Made' };
    const { status, output } = await simulator.act(createIssue, { ...account, input });
    expect(status).toMatchObject({ state: 'done', error: null });
    expect(output).toMatchObject({ number: seeded.issues + 1 });
    await callGitea(gitea, 'PATCH', '/repos/sluice/repo-0', { archived: true });
    const archived = await simulator.act(createIssue, { ...account, input });
    expect(archived.status).toMatchObject({ state: 'failed', errorType: 'gone' });
  },
  180_000,
);
