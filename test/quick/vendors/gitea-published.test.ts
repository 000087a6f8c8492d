/** Gitea beside what `scripts/cut-gitea.mjs` has cut from the description of its API, and what its answers mean. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import * as gitea from '../../../providers/vendors/gitea/index.ts';
import { answer, table } from '../../setup/vendors/answer-table.ts';
import { asked, sent } from '../../setup/vendors/compare.ts';

interface Published {
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
const published = JSON.parse(
  readFileSync(new URL('../../fixtures/vendors/gitea-swagger.json', import.meta.url), 'utf8'),
) as Published;

const place = { owner: '{owner}', repo: '{repo}' };
const KINDS: Readonly<Record<string, string>> = {
  integer: 'number',
  string: 'string',
  boolean: 'boolean',
  array: 'array',
};

describe('Gitea', () => {
  it.each([
    ['repositories', asked(gitea.repositories, {})],
    ['issues', asked(gitea.issues, { ...place, since: 's' })],
    ['comments', asked(gitea.comments, { ...place, since: 's' })],
  ])('has this list of %s', (_, { call, names }) => {
    expect(published.parameters).toHaveProperty([call]);
    for (const name of names) expect(published.parameters[call]).toContain(name);
  });

  it.each([
    ['Repository', gitea.Repository],
    ['Issue', gitea.Issue],
    ['Comment', gitea.Comment],
  ])('has a %s with these fields, of these types', (name, { shape }) => {
    for (const [field, schema] of Object.entries<z.ZodType>(shape)) {
      const theirs = published.types[name]?.[field];
      let { def } = schema as unknown as { def: { type: string; innerType?: { def: { type: string } } } };
      while (def.innerType) ({ def } = def.innerType);
      expect([field, def.type]).toEqual([field, KINDS[theirs ?? 'none'] ?? (theirs && 'object')]);
    }
  });

  it('takes an issue', () => {
    const { call, names } = sent(gitea.createIssue, { ...place, title: 't' });
    expect(published.parameters).toHaveProperty([call]);
    for (const name of names) expect(published.types['CreateIssueOption']).toHaveProperty(name);
    expect(published.types['EditIssueOption']).toHaveProperty('state');
  });
});

// As a server of 1.26 answers.
const told = (message: string) => ({ message, url: 'https://gitea.example/api/swagger' });
table('Gitea, of a list', gitea.issues.decide, [
  ['a page is good', answer(200, []), { kind: 'ok' }],
  ['a token that is none', answer(401, told('invalid username, password or token')), { kind: 'refresh-auth' }],
  [
    'a scope is missing',
    answer(403, told('token does not have at least one of required scope(s)')),
    { kind: 'permanent', cause: 'auth' },
  ],
  [
    'a repository that is gone',
    answer(404, told("The target couldn't be found.")),
    { kind: 'permanent', cause: 'gone' },
  ],
  ['a server with too much to do', answer(503, '<html>'), { kind: 'retry' }],
  ['what stands before it has had enough', answer(429, '', { 'retry-after': '5' }), { kind: 'limited' }],
]);
table('Gitea, of a new issue', gitea.createIssue.definition.decide, [
  ['made', answer(201, { id: 1, number: 1, html_url: 'u' }), { kind: 'ok' }],
  ['an archived repository', answer(423, told('acme/repo is archived')), { kind: 'permanent', cause: 'gone' }],
  ['no title', answer(422, told('[Title]: Required')), { kind: 'permanent', cause: 'bug' }],
  ['a server error may come after the deed', answer(500, told('')), { kind: 'unknown-write' }],
]);
