import { describe, expect, it } from 'vitest';
import { createEndpointNotes } from '../../../activities/page/endpoint-facts.ts';
import type { Queryable } from '../../../db/pool.ts';

/** A database that keeps what it was asked to write, and fails when it is told to. */
function listening() {
  const written: unknown[] = [];
  const state = { fails: false };
  const query = (statement: { values: unknown[] }) => {
    if (state.fails) return Promise.reject(new Error('the connection was lost'));
    written.push(statement.values);
    return Promise.resolve({ rows: [], rowCount: 0 });
  };
  return { db: { query } as unknown as Queryable, written, state };
}

const of = { provider: 'p', endpoint: 'e' };
const facts = { given: 100, beyond: 0, followed: 0, closed: 0 };

describe('what pages show of an endpoint', () => {
  it('is written once, and again only when a page shows more', async () => {
    const notes = createEndpointNotes();
    const { db, written } = listening();
    await Promise.all(Array.from({ length: 40 }, () => notes.note(db, of, facts)));
    await notes.note(db, of, { ...facts, given: 30 });
    expect(written).toEqual([['p', 'e', 100, 0, 0, 0]]);
    await notes.note(db, of, { ...facts, given: 20, beyond: 1_000 });
    await notes.note(db, of, { ...facts, followed: 100 });
    await notes.note(db, of, { ...facts, closed: 50 });
    await notes.note(db, of, { given: 90, beyond: 500, followed: 90, closed: 40 });
    expect(written).toEqual([
      ['p', 'e', 100, 0, 0, 0],
      ['p', 'e', 100, 1_000, 0, 0],
      ['p', 'e', 100, 1_000, 100, 0],
      ['p', 'e', 100, 1_000, 100, 50],
    ]);
  });

  it('is kept apart by provider and endpoint', async () => {
    const notes = createEndpointNotes();
    const { db, written } = listening();
    await notes.note(db, of, facts);
    await notes.note(db, { provider: 'pe', endpoint: '' }, facts);
    await notes.note(db, { ...of, endpoint: 'f' }, facts);
    expect(written).toHaveLength(3);
  });

  it('is said again by the next page when it could not be written', async () => {
    const notes = createEndpointNotes();
    const { db, written, state } = listening();
    state.fails = true;
    await expect(notes.note(db, of, facts)).rejects.toThrow('connection');
    state.fails = false;
    await notes.note(db, of, facts);
    expect(written).toHaveLength(1);
  });
});
