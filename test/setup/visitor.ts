/** Somebody at the page: opens views, follows links, presses buttons, in a real Chromium. */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { seriousFaults } from './browser.ts';

export interface Visitor {
  readonly page: Page;
  open(path: string): Promise<number | undefined>;
  /** What the page says after an act. */
  said(): Promise<string | null>;
  press(name: string): Promise<void>;
  follow(name: string | RegExp): Promise<void>;
  /** Says why, and presses. */
  whyAnd(act: string): Promise<void>;
  /** `SLUICE_SCREENSHOTS=1` makes those of the docs anew. */
  picture(name: string): Promise<void>;
  text(selector: string): Promise<string | null>;
  /** What axe-core holds serious in light and in dark, and what does not fit 400 px. */
  faults(path: string): Promise<string[]>;
  /** Of the open page on a screen of 400 px, in px. */
  narrowWidth(): Promise<number>;
}

export function visitorAt(page: Page, url: () => string): Visitor {
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const open = async (path: string) => (await page.goto(new URL(path, url()).href))?.status();
  const narrowWidth = async (): Promise<number> => {
    await page.setViewportSize({ width: 400, height: 800 });
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    await page.setViewportSize({ width: 1280, height: 900 });
    return width;
  };
  return {
    page,
    open,
    press,
    said: () => page.locator('.said').textContent(),
    follow: (name) => page.getByRole('link', { name }).first().click(),
    whyAnd: async (act) => {
      await page.getByLabel(/^Why/).fill('a test of it');
      await press(act);
    },
    picture: async (name) => {
      if (process.env['SLUICE_SCREENSHOTS'])
        await page.screenshot({ path: fileURLToPath(new URL(`../../docs/img/${name}.png`, import.meta.url)) });
    },
    text: (selector) => page.locator(selector).textContent(),
    faults: async (path) => {
      const status = await open(path);
      const found = status === 200 ? [] : [`${path}: ${status}`];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        found.push(...(await seriousFaults(page)).map((fault) => `${path} ${colorScheme}: ${fault}`));
      }
      await page.emulateMedia({ colorScheme: 'light' });
      const width = await narrowWidth();
      if (width > 400) found.push(`${path} is ${width} px wide`);
      return found;
    },
    narrowWidth,
  };
}
