// The dashboard shows a real server live: figures under load, who is on a phone, and a server that
// goes and comes back.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { RawClient } from '../e2e/support/raw-client.js';
import type { TestServer } from '../e2e/support/server.js';
import { picture } from '../page/support.js';
import { Dashboards, dashboardServer, figure, until } from './support.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Ann writes to Bob, so often a second, until it is stopped. */
function chatter(ann: RawClient, each: number): () => void {
  let sent = 0;
  const timer = setInterval(() => {
    for (let at = 0; at < each / 10; at++) {
      ann.send(`<message to='bob@localhost' type='chat' id='c${sent++}'><body>hi</body></message>`);
    }
  }, 100);
  return () => clearInterval(timer);
}

describe('dashboard: live', function () {
  this.timeout(120_000);
  let server: TestServer;
  let boards: Dashboards;
  let token: string;
  let page: Page;

  before(async () => {
    const started = await dashboardServer({ shards: 3 }, ['ann', 'bob']);
    server = started.server;
    token = started.tokens.viewer;
    boards = await Dashboards.open(server.adminUrl);
    page = await boards.signedIn(token);
  });
  after(async () => {
    await boards?.close();
    await server?.remove();
  });

  it('shows figures change under load, in numbers, charts and words', async () => {
    assert.equal(await figure(page, 'users'), 0);
    assert.equal(await page.locator('.shards tbody tr').count(), 3);
    const ann = new RawClient(server.endpoint, 'ann');
    const bob = new RawClient(server.endpoint, 'bob');
    await ann.login({});
    await bob.login({});
    const stop = chatter(ann, 100);
    await until('two users', async () => (await figure(page, 'users')) === 2);
    await until('messages', async () => (await figure(page, 'messages')) > 50);
    await until('hand-over', async () => (await figure(page, 'handover-p99')) > 0);
    const words = page.locator('#chart-messages [role=img]');
    await until('words of the chart', async () =>
      /in now 1?\d\d\/s/u.test((await words.getAttribute('aria-label')) ?? ''),
    );
    const drawn = await page.locator('#chart-messages canvas').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const pixels = (canvas as HTMLCanvasElement).getContext('2d');
      return pixels?.getImageData(0, 0, width, height).data.some((value) => value > 0);
    });
    assert.equal(drawn, true);
    await picture(page, 'dashboard-load');
    stop();
    await until('quiet', async () => (await figure(page, 'messages')) === 0);
    await ann.logout();
    await bob.logout();
    await until('nobody', async () => (await figure(page, 'users')) === 0);
  });

  it('has the last minutes at once, stands still when asked to, and is a table', async () => {
    const late = await boards.signedIn(token);
    await late.getByRole('button', { name: 'As a table' }).click();
    const most = late.locator('tr', { hasText: 'Messages' }).first().locator('td').last();
    await until('the past', async () => /^[1-9]/u.test((await most.textContent()) ?? ''));
    await late.getByRole('button', { name: 'As charts' }).click();
    await late.getByRole('button', { name: 'Pause' }).click();
    const held = await late.locator('.when').textContent();
    assert.match(held ?? '', /^at /u);
    await sleep(2500);
    assert.equal(await late.locator('.when').textContent(), held);
    await late.getByRole('button', { name: 'Go on' }).click();
    await until('newer', async () => (await late.locator('.when').textContent()) !== held);
    await late.getByRole('radio', { name: '10 min' }).check();
    await late.close();
  });

  it('asks for nothing while nobody looks', async () => {
    const hidden = await boards.signedIn(token);
    await hidden.locator('.link.live').waitFor();
    let asked = 0;
    hidden.on('request', () => asked++);
    const hide = (isHidden: boolean): Promise<void> =>
      hidden.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    const watching = async (): Promise<number> => {
      const { engine: _, ...status } = await server.status();
      const queues = status.queues as { name: string; depth: number }[];
      return queues.find(({ name }) => name === 'admin')?.depth ?? 0;
    };
    const before = await watching();
    await hide(true);
    await until('the end of its connection', async () => (await watching()) === before - 1);
    asked = 0;
    await sleep(6000);
    assert.equal(asked, 0);
    await hide(false);
    await until('its return', async () => (await watching()) === before);
    await hidden.locator('.link.live').waitFor();
    await hidden.close();
  });

  it('fits a phone, from top to bottom and with a sheet open', async () => {
    const phone = await boards.signedIn(token, PHONE);
    const widths = (): Promise<number[]> =>
      phone.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    await phone.locator('.chart canvas').first().waitFor();
    assert.deepEqual(await widths(), [390, 390]);
    await phone.getByRole('button', { name: 'Actions' }).click();
    await phone.locator('.drawer').waitFor();
    assert.deepEqual(await widths(), [390, 390]);
    await picture(phone, 'dashboard-phone');
    await phone.keyboard.press('Escape');
    assert.equal(await phone.locator('.drawer').count(), 0);
    await phone.close();
  });

  it('says that the server is gone, and goes on when it is back', async () => {
    await server.kill();
    await page.locator('.link.away').waitFor();
    await page.locator('.health.stale').waitFor();
    assert.equal(await page.locator('.overview.old').count(), 1);
    await picture(page, 'dashboard-away');
    await server.restart();
    await page.locator('.link.live').waitFor({ timeout: 40_000 });
    await until('a healthy sight', async () => (await page.locator('.overview.old').count()) === 0);
    assert.match((await page.locator('.brand').textContent()) ?? '', /up 00:00:\d\d/u);
  });

  it('needs nothing of other origins, and nothing that its policy forbids', () => {
    assert.deepEqual(boards.errors, []);
  });
});
