/**
 * Repositories that the token can see, their issues and pull requests, and the comments on these. A run that follows another asks each repository
 * for what was updated since; a full run also finds what is gone.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { comments, gitea, issues, repositories, type Repository } from './provider.ts';

export const giteaSync = defineSync('gitea', { provider: gitea, input: z.object({}) }, (s) => {
  const repos = s.one(repositories, { input: () => ({}), key: (repo) => repo.id, deletions: 'full-pass' });
  const of = (repo: z.output<typeof Repository>, since: string | undefined) => ({
    owner: repo.owner.login,
    repo: repo.name,
    since,
  });
  const changes = {
    key: ({ id }: { readonly id: number }) => id,
    when: (repo: z.output<typeof Repository>) => repo.has_issues,
    incremental: { field: (row: { readonly updated_at: string }) => row.updated_at, lookbackMs: minutes(1) },
    deletions: 'full-pass',
  } as const;
  return {
    repositories: repos,
    issues: s.each(repos, issues, {
      ...changes,
      input: (repo, { watermark }) => of(repo, watermark),
      map: (issue, repo) => ({ ...issue, repository: repo.full_name }),
    }),
    comments: s.each(repos, comments, {
      ...changes,
      input: (repo, { watermark }) => of(repo, watermark),
      map: (comment, repo) => ({ ...comment, repository: repo.full_name }),
    }),
  };
});
