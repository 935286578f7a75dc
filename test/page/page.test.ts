// The chat page in a real browser: two people register, chat, and see each other's ticks. Debian's
// Chromium. With ROOKERY_SCREENSHOTS set to a folder, pictures of what it saw are left there.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { freePorts } from '../e2e/support/free-ports.js';
import { TestServer } from '../e2e/support/server.js';

const CHROMIUM = process.env.ROOKERY_CHROMIUM ?? '/usr/bin/chromium';
const ANN = '+49 1512 3456781';
const BOB = '+49 1512 3456782';
const pictures = process.env.ROOKERY_SCREENSHOTS;

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

async function register(page: Page, url: string, number: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Your phone number').fill(number);
  await page.getByRole('button', { name: 'Send me a PIN' }).click();
  const pin = await page.locator('#development-pin').textContent();
  await page.getByLabel('The PIN').fill(pin ?? '');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.state.online').waitFor();
}

async function openChat(page: Page, number: string): Promise<void> {
  await page.getByLabel('Number to chat with').fill(number);
  await page.getByRole('button', { name: 'Chat', exact: true }).click();
  await page.locator('.conversation header h2').waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.message.mine', { hasText: text }).waitFor();
}

/** The label of the tick of an own message. */
function tick(page: Page, text: string, label: string) {
  return page
    .locator('.message.mine', { hasText: text })
    .getByRole('img', { name: label, exact: true })
    .waitFor();
}

describe('page: two browsers', function () {
  this.timeout(120_000);
  let server: TestServer;
  let browser: Browser;
  let left: BrowserContext;
  let right: BrowserContext;
  let ann: Page;
  let bob: Page;
  const errors: string[] = [];

  async function newPage(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      const own = ['127.0.0.1', 'localhost'].includes(hostname);
      if (!own && !['data:', 'blob:'].includes(protocol)) errors.push(`asked ${request.url()}`);
    });
    return page;
  }

  before(async () => {
    assert.ok(existsSync(CHROMIUM), `no browser at ${CHROMIUM}: scripts/setup --tests installs it`);
    // The same after a restart, as the page remembers where it was.
    const [http, websocket, compact] = await freePorts(3);
    server = await TestServer.start({
      config: {
        registration: { sender: 'development' },
        http: { listen: `127.0.0.1:${http}` },
        websocket: { listen: [`127.0.0.1:${websocket}`], directTls: [] },
        compact: { listen: [`127.0.0.1:${compact}`] },
      },
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    });
    left = await browser.newContext({ viewport: { width: 1000, height: 640 } });
    right = await browser.newContext({ viewport: { width: 390, height: 760 }, isMobile: true });
    ann = await newPage(left);
    bob = await newPage(right);
  });
  after(async () => {
    await browser?.close();
    await server?.remove();
  });

  it('registers two numbers with PINs', async () => {
    await register(ann, server.httpUrl, ANN);
    await bob.goto(server.httpUrl);
    await picture(bob, '1-registration-phone');
    await register(bob, server.httpUrl, BOB);
  });

  it('shows the first and second tick, and the third when the other side has read', async () => {
    await openChat(ann, BOB);
    await say(ann, 'Hello Bob, are you there?');
    await tick(ann, 'Hello Bob', 'delivered');
    await bob.locator('.chat .unread').waitFor();
    await picture(bob, '2-unread-phone');
    await bob.locator('.chat').click();
    await tick(ann, 'Hello Bob', 'read');
    await say(bob, 'Yes, I am.');
    await ann.locator('.message:not(.mine)', { hasText: 'Yes, I am.' }).waitFor();
    await tick(bob, 'Yes, I am.', 'read');
  });

  it('shows that the other side types', async () => {
    await bob.getByLabel('Message', { exact: true }).pressSequentially('wait');
    await ann.locator('.presence.activity', { hasText: 'typing' }).waitFor();
    await picture(ann, '3-typing');
    await bob.getByLabel('Message', { exact: true }).fill('');
    await ann.locator('.presence.activity').waitFor({ state: 'detached' });
  });

  it('keeps what is sent while a window is closed, once', async () => {
    await bob.close();
    await say(ann, 'This one waits for you.');
    await tick(ann, 'This one waits', 'sent');
    await say(ann, 'And this one.');
    bob = await newPage(right);
    await bob.goto(server.httpUrl);
    await bob.locator('.state.online').waitFor();
    await bob.locator('.chat .preview', { hasText: 'And this one.' }).waitFor();
    await tick(ann, 'This one waits', 'delivered');
    await bob.locator('.chat').click();
    await tick(ann, 'And this one.', 'read');
    const texts = await bob.locator('.message:not(.mine) .body').allTextContents();
    assert.deepEqual(texts, [
      'Hello Bob, are you there?',
      'This one waits for you.',
      'And this one.',
    ]);
    await picture(bob, '4-came-back-phone');
  });

  it('sends what was written while the server was away', async () => {
    await server.kill();
    await ann.locator('.state.online').waitFor({ state: 'detached' });
    await say(ann, 'Written without a server.');
    await tick(ann, 'Written without', 'waiting to be sent');
    await picture(ann, '5-offline');
    await server.restart();
    await tick(ann, 'Written without', 'read');
  });

  it('edits and deletes for everyone', async () => {
    const mine = ann.locator('.message.mine', { hasText: 'And this one.' });
    await mine.hover();
    await mine.getByRole('button', { name: 'Edit' }).click();
    await ann.getByLabel('New text of the message').fill('And this one, too.');
    await ann.keyboard.press('Enter');
    await bob.locator('.message .body', { hasText: 'And this one, too.' }).waitFor();
    const first = ann.locator('.message.mine', { hasText: 'This one waits' });
    await first.hover();
    await first.getByRole('button', { name: 'Delete for everyone' }).click();
    await bob.locator('.message .body.retracted').waitFor();
    assert.equal(await bob.getByText('This one waits for you.').count(), 0);
    await picture(ann, '6-edited-and-deleted');
  });

  it('gives a second window of the same browser an account of its own', async () => {
    const second = await newPage(left);
    await second.goto(server.httpUrl);
    await second.getByLabel('Your phone number').waitFor();
    await second.close();
  });

  it('asked nothing of other origins and failed nowhere', () => {
    assert.deepEqual(errors, []);
  });
});
