// What people see of each other on the chat page: profiles, privacy, contacts, the block list, and
// the devices of an account.

import assert from 'node:assert/strict';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { openChat, Pages, picture, register, say } from './support.js';

const ANN = '+49 1512 3456783';
const BOB = '+49 1512 3456784';
const STRANGER = '+49 1512 3456785';

// In the browser: a rook on a hill, and noise that does not compress.
const PAINT = `(() => {
  const canvas = document.createElement('canvas');
  canvas.width = 1600;
  canvas.height = 1200;
  const context = canvas.getContext('2d');
  const sky = context.createLinearGradient(0, 0, 0, 1200);
  sky.addColorStop(0, '#3f7fbf');
  sky.addColorStop(1, '#f2c879');
  context.fillStyle = sky;
  context.fillRect(0, 0, 1600, 1200);
  context.fillStyle = '#2d4a2b';
  context.beginPath();
  context.arc(800, 1250, 500, 0, 7);
  context.fill();
  context.fillStyle = '#1c2327';
  context.beginPath();
  context.ellipse(800, 620, 190, 120, -0.3, 0, 7);
  context.fill();
  context.beginPath();
  context.arc(970, 500, 85, 0, 7);
  context.fill();
  for (let at = 0; at < 40000; at++) {
    context.fillStyle = 'rgb(' + [at % 256, (at * 7) % 256, (at * 13) % 256].join(' ') + ' / 12%)';
    context.fillRect((at * 7919) % 1600, (at * 104729) % 1200, 3, 3);
  }
  return canvas.toDataURL('image/png').split(',')[1];
})()`;

/** A picture as a camera makes it, only of colours: too large for a profile as it is. */
async function photograph(page: Page): Promise<Buffer> {
  const base64 = await page.evaluate<string>(PAINT);
  return Buffer.from(base64, 'base64');
}

describe('page: people', function () {
  this.timeout(120_000);
  let pages: Pages;
  let left: BrowserContext;
  let right: BrowserContext;
  let ann: Page;
  let bob: Page;

  const settings = async (page: Page) => {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    await page.locator('fieldset.parts:enabled').waitFor();
  };
  const back = (page: Page) => page.getByRole('button', { name: 'Back to the chats' }).click();
  const told = (page: Page, text: string) =>
    page.locator('.outcome [role=status]', { hasText: text }).waitFor();
  const header = (page: Page) => page.locator('.conversation header');
  const dialog = (page: Page) => page.getByRole('dialog');
  const hasPicture = (within: Locator) => within.locator('img.avatar');

  /** On the narrowest of phones nothing has to be scrolled sideways. */
  const fitsNarrow = async (page: Page) => {
    const size = page.viewportSize();
    await page.setViewportSize({ width: 320, height: 560 });
    const wide = await page.evaluate<string[]>(`[document.documentElement,
      ...document.querySelectorAll('.side, .conversation, dialog')]
      .filter((each) => each.scrollWidth > each.clientWidth && each.clientWidth > 0)
      .map((each) => each.className + ' ' + each.scrollWidth)`);
    assert.deepEqual(wide, []);
    if (size !== null) await page.setViewportSize(size);
  };

  before(async () => {
    pages = await Pages.start({
      registration: { sender: 'development', limits: { resendSeconds: 1 } },
    });
    left = await pages.desktop();
    right = await pages.phone();
    ann = await pages.newPage(left);
    bob = await pages.newPage(right);
    await register(ann, pages.server.httpUrl, ANN);
    await register(bob, pages.server.httpUrl, BOB);
  });
  after(() => pages?.close());

  it('finds out who is registered, and keeps contacts', async () => {
    await bob.getByRole('button', { name: 'People' }).click();
    await bob.getByLabel('Phone numbers').fill(`${ANN}\n${STRANGER}`);
    await bob.getByRole('button', { name: 'Find' }).click();
    await bob.getByText('1 of 2 numbers are registered.').waitFor();
    const found = bob.getByRole('list', { name: 'Found' });
    await found.getByText('Not registered').waitFor();
    await found.getByRole('button', { name: 'Add +4915123456783 to the contacts' }).click();
    await bob
      .getByRole('list', { name: 'Contacts' })
      .getByRole('button', { name: 'Chat with +4915123456783' })
      .waitFor();
    await picture(bob, 'people-1-found-phone');
    await fitsNarrow(bob);
    await found.getByRole('button', { name: 'Chat with +4915123456783' }).click();
    await say(bob, 'I found you.');
    await openChat(ann, BOB);
    await say(ann, 'How nice.');
  });

  it('shows initials, then name, about and a picture that the browser has shrunk', async () => {
    assert.equal(await ann.locator('.chat .avatar').first().textContent(), '84');
    await settings(ann);
    await ann.getByLabel('Name', { exact: true }).fill('Ann Lee');
    await ann.getByLabel('About', { exact: true }).fill('Watching rooks in the churchyard');
    await ann.getByRole('button', { name: 'Save' }).click();
    await told(ann, 'Saved.');
    const file = await photograph(ann);
    assert.ok(file.length > 65_536, `${file.length} bytes`);
    await ann
      .getByLabel('Choose a picture')
      .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: file });
    await told(ann, 'Your picture is changed.');
    await hasPicture(ann.locator('.panel')).waitFor();
    const image = `document.querySelector('.panel img.avatar')`;
    const width = await ann.evaluate<number>(`${image}.decode().then(() => ${image}.naturalWidth)`);
    assert.equal(width, 320);
    await picture(ann, 'people-2-settings-desktop');
    // The other side sees it when it looks again.
    await back(bob);
    await bob.locator('.chat').click();
    await header(bob).getByRole('heading', { name: 'Ann Lee' }).waitFor();
    await header(bob).getByText('Watching rooks').waitFor();
    await hasPicture(header(bob)).waitFor();
    await picture(bob, 'people-3-chat-phone');
    await back(bob);
    await bob.locator('.chat .name', { hasText: 'Ann Lee' }).waitFor();
    await bob.locator('.chat .about', { hasText: 'Watching rooks' }).waitFor();
    await hasPicture(bob.locator('.chat')).waitFor();
    await picture(bob, 'people-4-list-phone');
    const box = await bob.locator('.chat .preview').boundingBox();
    assert.ok((box?.width ?? 0) > 100, `the last message has ${box?.width} pixels`);
  });

  it('refuses what is no picture, and says so', async () => {
    await ann
      .getByLabel('Change picture')
      .setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await ann.getByRole('alert').filter({ hasText: 'not a picture' }).waitFor();
    await hasPicture(ann.locator('.panel')).waitFor();
  });

  it('keeps what it knows without a network, and over a reload', async () => {
    await right.setOffline(true);
    await bob.close();
    await right.setOffline(false);
    await pages.server.kill();
    // The page itself comes from the server: it has to be there for a moment.
    await pages.server.restart();
    bob = await pages.newPage(right);
    await bob.goto(pages.server.httpUrl);
    await bob.locator('.chat .name', { hasText: 'Ann Lee' }).waitFor();
    await hasPicture(bob.locator('.chat')).waitFor();
    await bob.locator('.state.online').waitFor();
    await ann.locator('.panel fieldset.parts:enabled').waitFor();
  });

  it('hides from others what the settings hide', async () => {
    await ann.getByLabel('My about').selectOption('contacts');
    await told(ann, 'Saved.');
    await ann.getByLabel('My picture').selectOption('nobody');
    await ann.getByLabel('That I am online').selectOption('nobody');
    await ann.getByLabel('When I was last here').selectOption('nobody');
    await ann.locator('#privacy-lastSeen:enabled').waitFor();
    assert.equal(await ann.getByLabel('My about').inputValue(), 'contacts');
    await ann.getByLabel('When I was last here').scrollIntoViewIfNeeded();
    await picture(ann, 'people-5-privacy-desktop');
    await bob.locator('.chat').click();
    await hasPicture(header(bob)).waitFor({ state: 'detached' });
    await header(bob).getByText('Watching rooks').waitFor({ state: 'detached' });
    await header(bob).getByRole('heading', { name: 'Ann Lee' }).waitFor();
    assert.equal(await header(bob).locator('.presence').textContent(), '');
    assert.equal(await header(bob).locator('.avatar').textContent(), 'AL');
    // The choices are the server's: they are there after a reload.
    await ann.reload();
    await settings(ann);
    assert.equal(await ann.getByLabel('My picture').inputValue(), 'nobody');
    await ann.getByLabel('My picture').selectOption('everyone');
    await told(ann, 'Saved.');
  });

  it('shows all about somebody, and names contacts', async () => {
    await header(bob).getByRole('button', { name: 'Ann Lee' }).click();
    await dialog(bob).getByText('+4915123456783').waitFor();
    await dialog(bob).getByLabel('Name in your contacts').fill('Aunt Ann');
    await dialog(bob).getByRole('button', { name: 'Rename' }).click();
    await dialog(bob).getByRole('heading', { name: 'Aunt Ann' }).waitFor();
    await hasPicture(dialog(bob)).waitFor();
    await fitsNarrow(bob);
    await picture(bob, 'people-6-person-phone');
    await bob.keyboard.press('Escape');
    await dialog(bob).waitFor({ state: 'detached' });
    await header(bob).getByRole('heading', { name: 'Aunt Ann' }).waitFor();
    // The focus comes back to what opened the dialog.
    await header(bob).locator('button:focus', { hasText: 'Aunt Ann' }).waitFor();
  });

  it('blocks and unblocks; the blocked cannot send, and is listed', async () => {
    await header(bob).getByRole('button', { name: 'Aunt Ann' }).click();
    await dialog(bob).getByRole('button', { name: 'Block' }).click();
    await dialog(bob).getByRole('button', { name: 'Unblock' }).waitFor();
    await dialog(bob).getByRole('button', { name: 'Close' }).click();
    await bob.getByText('You have blocked Aunt Ann.').waitFor();
    assert.equal(await bob.getByLabel('Message', { exact: true }).count(), 0);
    await picture(bob, 'people-7-blocked-phone');
    await back(ann);
    await openChat(ann, BOB);
    await picture(ann, 'people-7-list-desktop');
    await say(ann, 'Are you cross with me?');
    await ann
      .locator('.message.mine', { hasText: 'cross' })
      .getByRole('img', { name: /not delivered/u })
      .waitFor();
    await back(bob);
    await bob.locator('.chat .tag', { hasText: 'blocked' }).waitFor();
    assert.equal(await bob.getByText('Are you cross').count(), 0);
    await settings(bob);
    const list = bob.getByRole('list', { name: 'Blocked' });
    await list.scrollIntoViewIfNeeded();
    await picture(bob, 'people-8-block-list-phone');
    await fitsNarrow(bob);
    await bob.emulateMedia({ colorScheme: 'dark' });
    await list.scrollIntoViewIfNeeded();
    await picture(bob, 'people-8-block-list-phone-dark');
    await bob.emulateMedia({ colorScheme: null });
    await list.getByRole('button', { name: 'Unblock Aunt Ann' }).click();
    await told(bob, 'Aunt Ann is not blocked any more.');
    await back(bob);
    await bob.locator('.chat').click();
    await say(bob, 'Not any more.');
    await ann.locator('.message:not(.mine)', { hasText: 'Not any more.' }).waitFor();
  });

  it('links a further device, lists it and removes it', async () => {
    await settings(ann);
    await ann.getByRole('button', { name: 'Link another device' }).click();
    const code = await ann.locator('.code').textContent();
    const elsewhere = await pages.phone();
    const tablet = await pages.newPage(elsewhere);
    await tablet.goto(pages.server.httpUrl);
    await tablet.getByRole('button', { name: 'I have a linking code' }).click();
    await tablet.getByLabel('The code').fill('aaaa-bbbb-cccc');
    await tablet.getByRole('button', { name: 'Join' }).click();
    await tablet.getByRole('alert').filter({ hasText: /\w/u }).waitFor();
    await picture(tablet, 'people-9-code-phone');
    await tablet.getByLabel('The code').fill(code ?? '');
    await tablet.getByRole('button', { name: 'Join' }).click();
    await tablet.locator('.state.online').waitFor();
    await tablet.getByRole('heading', { name: 'Ann Lee' }).waitFor();
    // What another device of the account changes is shown here, too.
    await openChat(tablet, BOB);
    await say(tablet, 'From my tablet.');
    await ann.locator('.message.mine', { hasText: 'From my tablet.' }).waitFor();
    await back(ann);
    await settings(ann);
    const devices = ann.getByRole('list', { name: 'Devices' });
    await devices.getByRole('listitem').nth(1).waitFor();
    await devices.getByRole('button', { name: /^Remove / }).click();
    await devices.scrollIntoViewIfNeeded();
    await picture(ann, 'people-10-devices-desktop');
    await devices.getByRole('button', { name: 'Remove', exact: true }).click();
    await told(ann, 'is removed.');
    assert.equal(await devices.getByRole('listitem').count(), 1);
    await tablet.getByText('does not know this device').waitFor();
    // Its database is free for whoever registers there next.
    await ann.getByRole('button', { name: 'Link another device' }).click();
    await ann.locator('.code', { hasNotText: code ?? '' }).waitFor();
    await tablet.getByRole('button', { name: 'I have a linking code' }).click();
    await tablet.getByLabel('The code').fill((await ann.locator('.code').textContent()) ?? '');
    await tablet.getByRole('button', { name: 'Join' }).click();
    await tablet.locator('.state.online').waitFor();
    await elsewhere.close();
  });

  it('is led with the keyboard alone', async () => {
    await back(ann);
    await ann.locator('#open-settings:focus').waitFor();
    await ann.keyboard.press('Enter');
    await ann.locator('#panel-title:focus').waitFor();
    await ann.keyboard.press('Tab');
    await ann.locator('.panel input[type=file]:focus').waitFor();
    await ann.keyboard.press('Escape');
    await ann.locator('#open-settings:focus').waitFor();
    await ann.keyboard.press('Shift+Tab');
    await ann.locator('#open-people:focus').waitFor();
  });

  it('logs out of this browser by its own wish', async () => {
    await back(bob);
    await settings(bob);
    await bob.getByRole('button', { name: 'Log out' }).click();
    await bob.locator('button:focus', { hasText: 'Cancel' }).waitFor();
    await bob
      .getByRole('group', { name: 'Log out of this browser?' })
      .getByRole('button', { name: 'Log out' })
      .click();
    await bob.getByLabel('Your phone number').waitFor();
    assert.equal(await bob.getByRole('alert').filter({ hasText: /\w/u }).count(), 0);
  });

  it('asked nothing of other origins and failed nowhere', () => {
    assert.deepEqual(pages.errors, []);
  });
});
