/** Gitea as `test/setup/vendors` plays it: a sync, the run after it, an action. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { SEEDED } from '../../../bench/gitea/seed.ts';
import { createIssue, giteaSync } from '../../../providers/vendors/gitea/index.ts';
import { playCassette, type FakeApi, type Simulator } from '../../../testing/index.ts';
import { onSimulator, onThirdParty, whole } from '../../setup/vendors/vendor-stage.ts';
import { playGitea } from '../../setup/vendors/gitea.ts';

let simulator: Simulator;
let api: FakeApi;
onSimulator((started) => (simulator = started));
onThirdParty((played) => (api = played));

const recorded = fileURLToPath(new URL('../../fixtures/vendors/gitea.json', import.meta.url));
const account = { account: 'gt', credentials: { accessToken: 'token-of-a-test' } };

it('Gitea: is read to the end of each list, with and without links, and then what has changed', async () => {
  const { issues } = playGitea(api);
  const first = await simulator.run(giteaSync, { api, input: {}, ...account });
  expect(first.result).toMatchObject({ ...whole, rows: 60 + 2 * 120 + 2 * 75 });
  expect(first.rows(giteaSync.comments)).toContainEqual(expect.objectContaining({ repository: 'acme/repo-1' }));
  const issue = issues.get('repo-0')![7]!;
  Object.assign(issue, { title: 'Mended', updated_at: new Date().toISOString() });
  const second = await simulator.run(giteaSync, { api, input: {}, account: 'gt' });
  expect(second.result).toMatchObject(whole);
  expect(second.rows(giteaSync.issues)).toContainEqual(expect.objectContaining({ id: issue.id, title: 'Mended' }));
  expect(second.rows(giteaSync.issues)).toHaveLength(240);
  expect(second.calls).toBe(2 + 2 + 2);
});

it('Gitea: one issue is made where the answer is lost, and none in an archived repository', async () => {
  const { issues } = playGitea(api);
  api.script('POST /repos/:owner/:repo/issues', ['reset-after']);
  const input = { owner: 'acme', repo: 'repo-0', title: 'Broken', body: 'It is.' };
  const { status, output } = await simulator.act(createIssue, { api, input, ...account });
  expect(status).toMatchObject({ state: 'done', error: null });
  expect(output).toMatchObject({ number: 121 });
  expect(issues.get('repo-0')!.filter(({ title }) => title === 'Broken')).toHaveLength(1);
  const archived = await simulator.act(createIssue, { api, input: { ...input, repo: 'repo-1' }, ...account });
  expect(archived.status).toMatchObject({ state: 'failed', errorType: 'gone' });
});

it('Gitea: the answers of a real one, five rows a page whatever it is asked for, are read to the end', async () => {
  const cassette = playCassette(api, recorded);
  const { result, rows } = await simulator.run(giteaSync, { api, input: {}, ...account, account: 'recorded' });
  expect(result).toMatchObject(whole);
  const { repositories, issues, comments } = giteaSync;
  const counted = [rows(repositories).length, rows(issues).length, rows(comments).length];
  expect(cassette.misses()).toEqual([]);
  expect(counted).toEqual([SEEDED.repositories, SEEDED.issues, SEEDED.comments]);
});
