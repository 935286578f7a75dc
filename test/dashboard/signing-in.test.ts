// Who comes to the dashboard is asked for a token; what is wrong with one is said in words.

import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { TestServer } from '../e2e/support/server.js';
import { picture } from '../page/support.js';
import { Dashboards, dashboardServer, signIn } from './support.js';

const KEY = 'rookery-token';

/** Where the page keeps its token. */
function kept(page: Page): Promise<(string | null)[]> {
  return page.evaluate((key) => [sessionStorage.getItem(key), localStorage.getItem(key)], KEY);
}

describe('dashboard: signing in', function () {
  this.timeout(90_000);
  let server: TestServer;
  let tokens: Record<string, string>;
  let boards: Dashboards;

  before(async () => {
    ({ server, tokens } = await dashboardServer({}, []));
    boards = await Dashboards.open(server.adminUrl);
  });
  after(async () => {
    await boards?.close();
    await server?.remove();
  });

  it('says what is wrong with a token, and how one is made', async () => {
    const page = await boards.blank();
    await signIn(page, 'nonsense');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match((await alert.textContent()) ?? '', /does not know this token/u);
    assert.match((await alert.textContent()) ?? '', /rookery token add/u);
    await picture(page, 'dashboard-sign-in');
    await signIn(page, tokens.viewer ?? '');
    await page.locator('.health').waitFor();
    assert.deepEqual(await kept(page), [tokens.viewer, null]);
    // The page survives being loaded again; another tab has to sign in itself.
    await page.reload();
    await page.locator('.health').waitFor();
    const other = await boards.another(page.context());
    await other.getByLabel('Token', { exact: true }).waitFor();
  });

  it('remembers a token on the device only when asked to, and forgets it', async () => {
    const page = await boards.blank();
    await page.getByLabel('Remember it on this device').check();
    await signIn(page, tokens.viewer ?? '');
    await page.locator('.health').waitFor();
    assert.deepEqual(await kept(page), [null, tokens.viewer]);
    const other = await boards.another(page.context());
    await other.locator('.health').waitFor();
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByLabel('Token', { exact: true }).waitFor();
    assert.deepEqual(await kept(other), [null, null]);
  });

  it('shows nobody anything any more whose token has been deleted', async () => {
    const token = (await server.cli('token', 'add', 'gone', '--role', 'viewer')).trim();
    const page = await boards.signedIn(token);
    await server.cli('token', 'delete', 'gone', '--yes');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match((await alert.textContent()) ?? '', /may have been deleted/u);
    assert.equal(await page.locator('.health').count(), 0);
    assert.deepEqual(await kept(page), [null, null]);
  });

  it('needs nothing of other origins, and nothing that its policy forbids', () => {
    assert.deepEqual(boards.errors, []);
  });
});
