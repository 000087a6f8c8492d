/** Gitea as its documentation describes it: no more than fifty rows a page, whatever is asked for; `Link` on some lists, `X-Total-Count` on all. */
import type { FakeApi } from '../../../testing/index.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const user = { login: 'jo' };

export function playGitea(api: FakeApi) {
  const repositories = Array.from({ length: 60 }, (_, i) => ({
    id: i + 1,
    name: `repo-${i}`,
    full_name: `acme/repo-${i}`,
    owner: { login: 'acme' },
    private: false,
    archived: i === 1,
    has_issues: i < 2,
    default_branch: 'main',
    html_url: `https://gitea.example/acme/repo-${i}`,
    updated_at: at(i),
  }));
  let ids = 1_000;
  const issue = (repo: string, number: number, title: string, body: string, updated_at: string) => ({
    id: ++ids,
    number,
    title,
    state: 'open',
    body,
    user,
    labels: [],
    comments: 1,
    created_at: updated_at,
    updated_at,
    closed_at: null,
    html_url: `https://gitea.example/acme/${repo}/issues/${number}`,
    pull_request: null,
  });
  const comment = (repo: string, i: number) => ({
    id: ++ids,
    body: `Comment ${i}`,
    user,
    issue_url: `https://gitea.example/acme/${repo}/issues/1`,
    pull_request_url: '',
    created_at: at(i),
    updated_at: at(i),
  });
  const of = <Row>(make: (repo: string) => Row) => new Map(['repo-0', 'repo-1'].map((repo) => [repo, make(repo)]));
  const issues = of((repo) => Array.from({ length: 120 }, (_, i) => issue(repo, i + 1, `Issue ${i}`, '', at(i))));
  const comments = of((repo) => Array.from({ length: 75 }, (_, i) => comment(repo, i)));

  const pages = { pageSize: { default: 30, max: 50 }, total: 'exact' } as const;
  const linked = { ...pages, pagination: 'link-header', params: { cursor: 'page' } } as const;
  api.list('/repos/search', {
    ...linked,
    fields: { items: 'data', totalHeader: 'x-total-count' },
    items: () => repositories,
  });
  const since = { param: 'since', field: 'updated_at' };
  api.list('/repos/:owner/:repo/issues', { ...linked, since, items: ({ repo }) => issues.get(repo)?.toReversed() });
  api.list('/repos/:owner/:repo/issues/comments', {
    ...pages,
    pagination: 'page',
    fields: { items: '', totalHeader: 'x-total-count' },
    since,
    items: ({ repo }) => comments.get(repo),
  });
  api.route('POST', '/repos/:owner/:repo/issues', ({ body }, { repo }) => {
    if (repo === 'repo-1') return { status: 423, body: { message: 'acme/repo-1 is archived' } };
    const { title, body: text } = body as { title: string; body: string };
    const all = issues.get(repo) ?? [];
    const made = issue(repo, all.length + 1, title, text, new Date().toISOString());
    issues.set(repo, [...all, made]);
    return { status: 201, body: made };
  });
  return { repositories, issues, comments };
}
