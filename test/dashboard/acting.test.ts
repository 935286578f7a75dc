// From the dashboard one finds users and messages, and acts on them: after a question, and only
// with a role that may.

import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { RawClient } from '../e2e/support/raw-client.js';
import type { TestServer } from '../e2e/support/server.js';
import { picture } from '../page/support.js';
import { Dashboards, dashboardServer, until } from './support.js';

const ALARMS = {
  holdSeconds: 0,
  clearSeconds: 1,
  mailboxAge: { warning: 2, critical: 1_000_000, clear: 1 },
  off: ['shardLag', 'eventLoopLag', 'commitTime', 'disk'],
} as const;

async function find(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox').fill(text);
  await page.keyboard.press('Enter');
}

describe('dashboard: finding and acting', function () {
  this.timeout(120_000);
  let server: TestServer;
  let tokens: Record<string, string>;
  let boards: Dashboards;
  let page: Page;
  let ann: RawClient;

  before(async () => {
    const config = { alarms: { ...ALARMS, off: [...ALARMS.off] } };
    ({ server, tokens } = await dashboardServer(config, ['ann', 'bob']));
    boards = await Dashboards.open(server.adminUrl);
    page = await boards.signedIn(tokens.operator ?? '');
    ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
  });
  after(async () => {
    ann?.cut();
    await boards?.close();
    await server?.remove();
  });

  const drawer = () => page.locator('.drawer');

  it('finds a user, with sessions and what waits, and a message step by step', async () => {
    ann.send(
      "<message to='bob@localhost' type='chat' id='m1'><body>are you there</body></message>",
    );
    await find(page, 'ann');
    await drawer().getByText('XMPP · 127.0.0.1', { exact: false }).waitFor();
    assert.match((await drawer().textContent()) ?? '', /ann@localhost/u);
    await find(page, 'bob@localhost');
    // Of what is only on disk the id is not kept in memory.
    await drawer().getByRole('row', { name: /disk$/u }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox').blur();
    await page.keyboard.press('/');
    await page.keyboard.type('m1');
    await page.keyboard.press('Enter');
    await drawer().getByText('Stored: it is on disk').waitFor();
    assert.match((await drawer().locator('.timeline').textContent()) ?? '', /^Accepted/u);
    await picture(page, 'dashboard-message');
    await find(page, 'nobody knows this');
    await drawer().getByText('Nothing found').waitFor();
    await page.keyboard.press('Escape');
  });

  it('acknowledges an alarm; all see it, and it goes when the message is fetched', async () => {
    const viewer = await boards.signedIn(tokens.viewer ?? '');
    await page.locator('.health.busy', { hasText: 'has waited' }).waitFor();
    await page.getByRole('button', { name: /^Acknowledge/u }).click();
    await page.getByText('Everybody sees that you see to it.').waitFor();
    await page.getByText('the operator sees to it').waitFor();
    await viewer.getByText('the operator sees to it').waitFor();
    const bob = new RawClient(server.endpoint, 'bob');
    await bob.login({});
    await bob.until(({ name }) => name === 'message');
    await page.locator('.health.well').waitFor();
    await page.getByRole('button', { name: 'Alarms', exact: true }).click();
    const past = drawer().locator('.past', { hasText: 'has waited' });
    await past.waitFor();
    assert.match((await past.textContent()) ?? '', /the operator saw to it/u);
    await page.keyboard.press('Escape');
    await bob.logout();
    await viewer.close();
  });

  it('traces a user without what people say', async () => {
    await find(page, 'ann');
    await drawer().getByRole('button', { name: 'Start' }).click();
    await drawer().getByText('Nothing has come yet.').waitFor();
    ann.send("<message to='bob@localhost' type='chat' id='m2'><body>a secret</body></message>");
    const traced = drawer().locator('.trace li', { hasText: 'm2' });
    await traced.waitFor();
    assert.match((await traced.textContent()) ?? '', /\[8 characters\]/u);
    assert.doesNotMatch((await drawer().textContent()) ?? '', /secret/u);
    await drawer().getByRole('button', { name: 'Stop' }).click();
    await page.keyboard.press('Escape');
  });

  it('ends a session after the question of the server, and not before', async () => {
    await find(page, 'ann');
    await drawer()
      .getByRole('button', { name: /^End the session/u })
      .click();
    const question = page.getByRole('dialog');
    assert.match(
      (await question.textContent()) ?? '',
      /End the sessions of ann@localhost\/\S+\? Their clients reconnect\./u,
    );
    await picture(page, 'dashboard-confirm');
    await question.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await server.counters()).sessions, 1);
    await drawer()
      .getByRole('button', { name: /^End the session/u })
      .click();
    await question.getByRole('button', { name: 'End the session' }).click();
    await page.getByText('Ended 1 session of ann@localhost.').waitFor();
    await ann.waitClosed();
    await until('an empty list', async () =>
      /Not connected/u.test((await drawer().textContent()) ?? ''),
    );
    await page.keyboard.press('Escape');
  });

  it('says which rule refused, and what can be done', async () => {
    ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    await find(page, 'ann');
    await drawer()
      .getByRole('button', { name: /^End the session/u })
      .click();
    await ann.logout();
    await until('the end of the session', async () => (await server.counters()).sessions === 0);
    await page.getByRole('dialog').getByRole('button', { name: 'End the session' }).click();
    const toast = page.locator('.toast.failed');
    await toast.waitFor();
    assert.match((await toast.textContent()) ?? '', /has no session.*Rule: session-exists/u);
    await toast.getByRole('button', { name: 'Dismiss' }).click();
    await page.keyboard.press('Escape');
  });

  it('changes how much is logged, and reloads', async () => {
    await page.getByRole('button', { name: 'Actions' }).click();
    await drawer().getByLabel('Level').selectOption('warn');
    await drawer().getByRole('button', { name: 'Set' }).click();
    await page.getByText('The server logs warn and above.').waitFor();
    assert.equal((await server.cli('log-level')).trim(), 'warn');
    await drawer().getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).click();
    await page.getByText(/^Loaded version \d+ of \d+ handlers\.$/u).waitFor();
  });

  it('lets a viewer do nothing, and says why', async () => {
    const viewer = await boards.signedIn(tokens.viewer ?? '');
    ann = new RawClient(server.endpoint, 'ann');
    await ann.login({});
    await viewer.getByRole('button', { name: 'Actions' }).click();
    const sheet = viewer.locator('.drawer');
    await sheet.getByText('This is for the role admin; the viewer is viewer.').waitFor();
    for (const name of ['Reload', 'Stop the server', 'Set']) {
      assert.equal(await sheet.getByRole('button', { name, exact: true }).isDisabled(), true);
    }
    await find(viewer, 'ann');
    const kick = sheet.getByRole('button', { name: /^End the session/u });
    await kick.waitFor();
    assert.equal(await kick.isDisabled(), true);
    assert.match((await kick.getAttribute('title')) ?? '', /for the role operator/u);
    assert.equal(await sheet.getByRole('button', { name: 'Start' }).isDisabled(), true);
    await viewer.close();
  });

  it('needs nothing of other origins, and nothing that its policy forbids', () => {
    assert.deepEqual(boards.errors, []);
  });
});
