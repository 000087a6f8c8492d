/** Numbers: with thousands apart, and capped where counting further would cost too much. */
import { MOST_COUNTED } from '../../contracts/operate/run-list.ts';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

export function count(value: number): string {
  return whole.format(value);
}

/** `10,000+` for what was not counted further. */
export function capped(value: number): string {
  return value > MOST_COUNTED ? `${whole.format(MOST_COUNTED)}+` : whole.format(value);
}

export function rate(perSecond: number): string {
  return fine.format(perSecond);
}
