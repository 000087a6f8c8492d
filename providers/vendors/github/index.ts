// GitHub. `sluice/providers/github`; docs/guides/providers.md. Imports what `sluice/provider` exports, and zod. Start with provider.ts.
export { createIssue } from './create-issue.ts';
export { Discussion, discussions } from './discussions.ts';
export { github, Issue, issues, repositories, Repository } from './provider.ts';
export { githubSync } from './sync.ts';
