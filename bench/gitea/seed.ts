/** Fills a Gitea: repositories, of which the first has issues and comments. Used by: `bench/gitea.ts`, `test/temporal/providers/gitea-server.test.ts`. */
import type { RunningGitea } from './server.ts';

export interface Seeded {
  readonly repositories: number;
  readonly issues: number;
  readonly comments: number;
}

export const SEEDED: Seeded = { repositories: 7, issues: 12, comments: 13 };

export async function seedGitea(gitea: RunningGitea): Promise<Seeded> {
  const place = '/repos/sluice/repo-0';
  for (let i = 0; i < SEEDED.repositories; i++) await callGitea(gitea, 'POST', '/user/repos', { name: `repo-${i}` });
  for (let i = 0; i < SEEDED.issues; i++) await callGitea(gitea, 'POST', `${place}/issues`, { title: `Issue ${i}` });
  for (let i = 0; i < SEEDED.comments; i++)
    await callGitea(gitea, 'POST', `${place}/issues/${1 + (i % 3)}/comments`, { body: `Comment ${i}` });
  return SEEDED;
}

/** @throws Error for an answer that is none of success. */
export async function callGitea(
  { url, token }: RunningGitea,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: HTTP ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}
