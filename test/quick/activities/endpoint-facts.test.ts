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

const facts = { provider: 'p', endpoint: 'e', given: 100, beyond: 0 };

describe('what pages show of an endpoint', () => {
  it('is written once, and again only when a page shows more', async () => {
    const notes = createEndpointNotes();
    const { db, written } = listening();
    await Promise.all(Array.from({ length: 40 }, () => notes.note(db, facts)));
    await notes.note(db, { ...facts, given: 30 });
    expect(written).toEqual([['p', 'e', 100, 0]]);
    await notes.note(db, { ...facts, given: 20, beyond: 1_000 });
    expect(written).toEqual([
      ['p', 'e', 100, 0],
      ['p', 'e', 100, 1_000],
    ]);
  });

  it('is kept apart by provider and endpoint', async () => {
    const notes = createEndpointNotes();
    const { db, written } = listening();
    await notes.note(db, facts);
    await notes.note(db, { ...facts, provider: 'pe', endpoint: '' });
    await notes.note(db, { ...facts, endpoint: 'f' });
    expect(written).toHaveLength(3);
  });

  it('is said again by the next page when it could not be written', async () => {
    const notes = createEndpointNotes();
    const { db, written, state } = listening();
    state.fails = true;
    await expect(notes.note(db, facts)).rejects.toThrow('connection');
    state.fails = false;
    await notes.note(db, facts);
    expect(written).toHaveLength(1);
  });
});
