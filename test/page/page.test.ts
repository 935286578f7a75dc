// The chat page in a real browser: two people register, chat, and see each other's ticks.

import assert from 'node:assert/strict';
import type { BrowserContext, Page } from 'playwright-core';
import type { TestServer } from '../e2e/support/server.js';
import { openChat, Pages, picture, register, say } from './support.js';

const ANN = '+49 1512 3456781';
const BOB = '+49 1512 3456782';

/** The label of the tick of an own message. */
function tick(page: Page, text: string, label: string) {
  return page
    .locator('.message.mine', { hasText: text })
    .getByRole('img', { name: label, exact: true })
    .waitFor();
}

describe('page: two browsers', function () {
  this.timeout(120_000);
  let pages: Pages;
  let server: TestServer;
  let left: BrowserContext;
  let right: BrowserContext;
  let ann: Page;
  let bob: Page;

  before(async () => {
    pages = await Pages.start();
    ({ server } = pages);
    left = await pages.desktop();
    right = await pages.phone();
    ann = await pages.newPage(left);
    bob = await pages.newPage(right);
  });
  after(() => pages?.close());

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
    bob = await pages.newPage(right);
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
    const second = await pages.newPage(left);
    await second.goto(server.httpUrl);
    await second.getByLabel('Your phone number').waitFor();
    await second.close();
  });

  it('asked nothing of other origins and failed nowhere', () => {
    assert.deepEqual(pages.errors, []);
  });
});
