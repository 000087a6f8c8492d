// Gitea. `sluice/providers/gitea`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { createIssue } from './create-issue.ts';
export { Comment, comments, gitea, Issue, issues, repositories, Repository } from './provider.ts';
export { giteaSync } from './sync.ts';
