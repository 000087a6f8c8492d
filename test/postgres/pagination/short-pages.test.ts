import { describe, expect, it } from 'vitest';
import { numberedSync, onListStage, rowsFrom, type ListStage, type NumberedList } from '../../setup/list-stage.ts';

const SIZE = 50;

describe('a list whose pages can not overlap, one of which comes short', () => {
  let stage: ListStage;
  onListStage((set) => (stage = set));

  /** 400 rows in eight pages. @param cut how many rows of a page come, when it is asked for the nth time. */
  const read = async (cut: (page: number, nth: number) => number, more: Pick<NumberedList, 'advanceBy'> = {}) => {
    const { api, drive, account } = stage;
    const asked = new Map<number, number>();
    let calls = 0;
    api.route('GET', '/rows', ({ query }) => {
      const page = Number(query.get('page'));
      calls++;
      asked.set(page, (asked.get(page) ?? 0) + 1);
      const count = page > 8 ? 0 : Math.min(SIZE, cut(page, asked.get(page)!));
      return { body: { rows: rowsFrom((page - 1) * SIZE, count) } };
    });
    const sync = numberedSync(
      { api, provider: 'shop' },
      { kind: 'page', ask: (page) => ({ page: page.number }), ...more },
    );
    return { result: await drive.run(sync, { account, maxCalls: 100 }), calls };
  };

  it('for a moment only has all of its rows', async () => {
    const { result } = await read((page, nth) => (page === 3 && nth === 1 ? 20 : SIZE));
    expect(result).toMatchObject({ complete: true, rows: 400 });
  });

  it('each time is asked for that page once more, and for none where several are short', async () => {
    const whole = await read(() => SIZE);
    const one = await read((page) => (page === 3 ? 20 : SIZE));
    expect(one.result).toMatchObject({ complete: true, rows: 370 });
    expect(one.calls).toBe(whole.calls + 1);
    const several = await read((page) => (page === 3 || page === 6 ? 20 : SIZE));
    expect(several.result).toMatchObject({ complete: true, rows: 340 });
    expect(several.calls).toBe(whole.calls);
    const cutFirst = await read((page) => (page === 3 ? 20 : SIZE), { advanceBy: 'size' });
    expect(cutFirst.calls).toBe(whole.calls);
    const last = await read((page) => (page === 8 ? 20 : SIZE));
    expect(last.result).toMatchObject({ complete: true, rows: 370 });
    // Behind a full page one without rows may be a gap, so the one behind that is asked for as well.
    expect(last.calls).toBe(whole.calls - 1);
  });
});
