/**
 * The wall clock of a machine that is wrong: `node --import` this before a program. `WRONG_CLOCK_MS`: so far ahead (below 0: behind).
 * `CLOCK_STEPS_MS`: so much more from `CLOCK_STEPS_AFTER_MS` on, as when a time server corrects it. The monotonic clock goes on as it does.
 */
const { WRONG_CLOCK_MS = '0', CLOCK_STEPS_MS = '0', CLOCK_STEPS_AFTER_MS = '0' } = process.env;
const RealDate = Date;
const wrongNow = (): number =>
  RealDate.now() +
  Number(WRONG_CLOCK_MS) +
  (performance.now() >= Number(CLOCK_STEPS_AFTER_MS) ? Number(CLOCK_STEPS_MS) : 0);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values: unknown[], newTarget: new () => object) =>
    Reflect.construct(target, values.length === 0 ? [wrongNow()] : values, newTarget) as Date,
  apply: () => new RealDate(wrongNow()).toString(),
  get: (target, name, receiver) => (name === 'now' ? wrongNow : (Reflect.get(target, name, receiver) as unknown)),
});
