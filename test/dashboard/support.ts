// The dashboard in Debian's Chromium, for tests: a server with the admin interface, tokens of every
// role, and pages that are signed in. With ROOKERY_SCREENSHOTS set to a folder, pictures of what
// was seen are left in it.
// What runs in the page itself knows its globals:
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import type { ConfigInput } from '../../src/config/schema.js';
import { ROLES, type Role } from '../../src/operations/role.js';
import { freePorts } from '../e2e/support/free-ports.js';
import { TestServer } from '../e2e/support/server.js';

const CHROMIUM = process.env.ROOKERY_CHROMIUM ?? '/usr/bin/chromium';
const DESKTOP = { width: 1280, height: 900 };

/** A browser on the dashboard of one server. */
export class Dashboards {
  /** What went wrong in any page, or was asked of other origins. */
  readonly errors: string[] = [];
  private readonly contexts: BrowserContext[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly url: string,
  ) {}

  static async open(url: string): Promise<Dashboards> {
    assert.ok(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: scripts/setup --tests installs it`);
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    return new Dashboards(browser, url);
  }

  /** A page on which nobody is signed in, with a storage of its own. */
  async blank(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: DESKTOP, ...options });
    this.contexts.push(context);
    return await this.another(context);
  }

  /** One more page, with the storage of others. */
  async another(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.errors.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url)) this.errors.push(`asked ${request.url()}`);
    });
    await page.goto(this.url);
    return page;
  }

  /** A page that shows the server. */
  async signedIn(token: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.blank(options);
    await signIn(page, token);
    await page.locator('.health').waitFor();
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** A server that has the same addresses after a restart, with a token of each role. */
export async function dashboardServer(
  config: ConfigInput,
  accounts: readonly string[],
): Promise<{ server: TestServer; tokens: Record<Role, string> }> {
  const [admin] = await freePorts(1);
  const server = await TestServer.start({
    config: { admin: { listen: `127.0.0.1:${admin}` }, ...config },
    accounts,
  });
  const tokens: Partial<Record<Role, string>> = {};
  for (const role of ROLES) {
    tokens[role] = (await server.cli('token', 'add', `the ${role}`, '--role', role)).trim();
  }
  return { server, tokens: tokens as Record<Role, string> };
}

/** What a tile shows as its big number. */
export async function figure(page: Page, id: string): Promise<number> {
  const text = await page.locator(`#figure-${id} .value b`).textContent();
  return Number((text ?? '').replace(/[,k]/gu, ''));
}

/** Looks until it is so. */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come`);
}

/** Keeps the alarms that a page has shown, however short. */
export async function watchAlarms(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = new Set<string>();
    Object.assign(window, { seenAlarms: seen });
    const watcher = new MutationObserver(() => {
      for (const shown of document.querySelectorAll('.overview [data-alarm]')) {
        seen.add(shown.getAttribute('data-alarm') ?? '');
      }
    });
    watcher.observe(document.body, { childList: true, subtree: true, attributes: true });
    // So that it looks at once.
    document.body.toggleAttribute('data-watched');
  });
}

/** Whether a page has shown an alarm since it is watched. */
export async function sawAlarm(page: Page, id: number): Promise<boolean> {
  return await page.evaluate(
    (wanted) => (window as unknown as { seenAlarms: Set<string> }).seenAlarms.has(wanted),
    String(id),
  );
}
