/**
 * Repositories that the token can see, their issues and pull requests, and their discussions. A run that follows another asks each repository for
 * issues that were updated since; where nothing was, that costs nothing of the hourly limit. Discussions are read anew.
 */
import { z } from 'zod';
import { defineSync, minutes } from '../../index.ts';
import { discussions } from './discussions.ts';
import { github, issues, repositories } from './provider.ts';

const input = z.object({ affiliation: z.string().default('owner,collaborator,organization_member') });

export const githubSync = defineSync('github', { provider: github, input }, (s) => {
  const repos = s.one(repositories, {
    input: ({ affiliation }) => ({ affiliation }),
    key: (repo) => repo.id,
    deletions: 'full-pass',
  });
  const theirIssues = s.each(repos, issues, {
    input: (repo, { watermark }) => ({ owner: repo.owner.login, repo: repo.name, since: watermark }),
    key: (issue) => issue.id,
    when: (repo) => repo.has_issues !== false,
    incremental: { field: (issue) => issue.updated_at, lookbackMs: minutes(1) },
    map: (issue, repo) => ({ ...issue, repository: repo.full_name }),
  });
  const theirDiscussions = s.each(repos, discussions, {
    input: (repo) => ({ owner: repo.owner.login, name: repo.name }),
    key: (discussion) => discussion.id,
    when: (repo) => repo.has_discussions === true,
    map: (discussion, repo) => ({ ...discussion, repository: repo.full_name }),
    deletions: 'full-pass',
  });
  return { repositories: repos, issues: theirIssues, discussions: theirDiscussions };
});
