/** What `DATABASE_URL` may be: a value that `pg` would take for the name of a database on a host called `base` is refused. */
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../client/index.ts';
import { createPool } from '../../../db/index.ts';

const refusalOf = (address: string): unknown => {
  try {
    createPool(address);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('an address of a database', () => {
  it.each([
    'notaurl',
    'localhost:5432/app',
    'mysql://app:very-secret@db/app',
    'host=db password=very-secret dbname=app',
    '"postgres://app:very-secret@db/app"',
    ' postgres://app:very-secret@db/app',
    // Characters of a password that end the host.
    'postgres://app:very-secret#1@db/app',
    'postgres://app:very-secret/1@db/app',
    'postgres://app:very-secret@db:port/app',
  ])('that is no URL of Postgres is refused, without a word of it: %s', (address) => {
    const error = refusalOf(address);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^DATABASE_URL .* is no URL of a Postgres database\. Expected postgresql:/,
      ) as string,
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('very-secret');
  });

  it.each([
    'postgres://app@db/app',
    'postgresql://app:s%23cret@db:6432/app?sslmode=verify-full',
    'postgresql://app@/app?host=/run/postgresql',
    'POSTGRES://app@db/app',
    '/run/postgresql app',
    'socket:/run/postgresql?db=app',
  ])('is taken: %s', async (address) => {
    expect(refusalOf(address)).toBeUndefined();
  });

  it('that is none is a finding of the doctor', async () => {
    const findings = await diagnose({ databaseUrl: 'notaurl', temporal: { address: '127.0.0.1:1' } });
    expect(findings).toMatchObject([
      { check: 'servers', status: 'wrong', found: expect.stringContaining('is no URL of a Postgres') as string },
    ]);
  });
});
