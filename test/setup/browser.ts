/**
 * A real Chromium that this machine has, without a window: pages are looked at and worked with as people do. What it says on its
 * console, and what axe-core finds, are failures.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Finds Chromium, or installs Debian's where this process may.
 * @returns undefined where there is none and nobody expects one: the tests of pages are left out then.
 * @throws Error in CI, where they may not be.
 */
export function ensureChromium(): string | undefined {
  const found = findChromium() ?? installChromium();
  if (found === undefined && process.env['CI'])
    throw new Error('No Chromium on the PATH, and none could be installed: install it, or name it in SLUICE_CHROMIUM.');
  return found;
}

function installChromium(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]) => spawnSync('apt-get', args, { env, stdio: 'ignore', timeout: 300_000 });
  // The lists of packages may be missing or old.
  const install = () => apt('install', '-y', '--no-install-recommends', 'chromium').status === 0;
  if (!install()) {
    apt('update');
    install();
  }
  return findChromium();
}

/** @returns the program; undefined where there is none. `SLUICE_CHROMIUM` names one. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['SLUICE_CHROMIUM'];
  const places = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...(named ? [named] : []), ...places].find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface Browser {
  readonly context: BrowserContext;
  /** What pages have said on their consoles, and errors of theirs. */
  readonly complaints: string[];
  end(): Promise<void>;
}

export async function startBrowser(program: string): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    headless: true,
    viewport: { width: 1280, height: 900 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.page()?.url()}: ${message.text()}`);
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  return {
    context,
    complaints,
    end: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @returns what axe-core holds serious or critical, each with one place. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // By the debugger's way: the page's policy allows no script but its own.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as { axe: { run(): Promise<{ violations: AxeFault[] }> } }
    ).axe.run();
    interface AxeFault {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
