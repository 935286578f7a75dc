// The chat page in Debian's Chromium, for tests: a server, browsers on it, and what people do
// there. With ROOKERY_SCREENSHOTS set to a folder, pictures of what was seen are left in it.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { ConfigInput } from '../../src/config/schema.js';
import { freePorts } from '../e2e/support/free-ports.js';
import { TestServer } from '../e2e/support/server.js';

const CHROMIUM = process.env.ROOKERY_CHROMIUM ?? '/usr/bin/chromium';
const pictures = process.env.ROOKERY_SCREENSHOTS;

export async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Registers a number on the page, with the PIN that it shows. */
export async function register(page: Page, url: string, number: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Your phone number').fill(number);
  await page.getByRole('button', { name: 'Send me a PIN' }).click();
  const pin = await page.locator('#development-pin').textContent();
  await page.getByLabel('The PIN').fill(pin ?? '');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.state.online').waitFor();
}

export async function openChat(page: Page, number: string): Promise<void> {
  await page.getByLabel('Number to chat with').fill(number);
  await page.getByRole('button', { name: 'Chat', exact: true }).click();
  await page.locator('.conversation header h2').waitFor();
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.message.mine', { hasText: text }).waitFor();
}

/** A server with the page, and a browser. */
export class Pages {
  /** What went wrong in any page, or was asked of other origins. */
  readonly errors: string[] = [];

  private constructor(
    readonly server: TestServer,
    private readonly browser: Browser,
  ) {}

  static async start(config: ConfigInput = {}): Promise<Pages> {
    assert.ok(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: scripts/setup --tests installs it`);
    // The same after a restart, as the page remembers where it was.
    const [http, websocket, compact] = await freePorts(3);
    const server = await TestServer.start({
      config: {
        http: { listen: `127.0.0.1:${http}` },
        websocket: { listen: [`127.0.0.1:${websocket}`], directTls: [] },
        compact: { listen: [`127.0.0.1:${compact}`] },
        registration: { sender: 'development' },
        ...config,
      },
    });
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    return new Pages(server, browser);
  }

  desktop(): Promise<BrowserContext> {
    return this.browser.newContext({ viewport: { width: 1000, height: 640 } });
  }

  phone(): Promise<BrowserContext> {
    return this.browser.newContext({ viewport: { width: 390, height: 760 }, isMobile: true });
  }

  async newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.errors.push(message.text());
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      const own = ['127.0.0.1', 'localhost'].includes(hostname);
      if (!own && !['data:', 'blob:'].includes(protocol)) {
        this.errors.push(`asked ${request.url()}`);
      }
    });
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.remove();
  }
}
