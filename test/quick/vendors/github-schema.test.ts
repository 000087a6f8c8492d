/** GitHub's query and schema, held against what `scripts/cut-github-schema.mjs` has cut from the schema that GitHub publishes. */
import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isNonNullType, parse, validate, type GraphQLObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { Discussion, DISCUSSIONS } from '../../../providers/vendors/github/discussions.ts';

const schema = buildSchema(readFileSync(new URL('../../fixtures/vendors/github.graphql', import.meta.url), 'utf8'));

describe('GitHub, by GraphQL', () => {
  it('understands this query', () => {
    expect(validate(schema, parse(DISCUSSIONS))).toEqual([]);
    expect(validate(schema, parse(DISCUSSIONS.replace('title', 'name')))).toHaveLength(1);
  });

  it('has discussions with these fields, of these types, null where they may be', () => {
    const fields = (schema.getType('Discussion') as GraphQLObjectType).getFields();
    for (const [name, { def }] of Object.entries(Discussion.shape)) {
      const theirs = fields[name]!.type;
      expect([name, def.type === 'nullable']).toEqual([name, !isNonNullType(theirs)]);
      const wanted = { Int: 'number', Actor: 'nullable' }[getNamedType(theirs).name] ?? 'string';
      expect([name, def.type]).toEqual([name, wanted]);
    }
  });
});
