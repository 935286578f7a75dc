// Follows the alarms of a server by every way in which they are told: log, webhook, API and the
// dashboard in a browser.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { callServer } from '../../../src/cli/admin-client.js';
import { alarmHistory, alarmShow } from '../../../src/operations/alarm-operations.js';
import type { AlarmState } from '../../../src/operations/alarms/alarm.js';
import { Dashboards, sawAlarm, watchAlarms } from '../../dashboard/support.js';
import { http } from './http-client.js';
import type { TestServer } from './server.js';

interface Told {
  readonly event: string;
  readonly alarm: AlarmState;
}

const STORY = ['raised', 'cleared'];
export const PAGER_SECRET = 'a secret of the pager';

/** A pager, and a gateway for PINs that answers when it is let. */
export class Outside {
  readonly told: Told[] = [];
  private readonly held: (() => void)[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        if (request.url === '/alarms') this.told.push(JSON.parse(body) as Told);
        if (request.url === '/alarms') response.end();
        else this.held.push(() => response.end());
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  letGo(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** The ways of telling of one server. */
export class AlarmWatch {
  private constructor(
    readonly server: TestServer,
    readonly token: string,
    private readonly outside: Outside,
    private readonly boards: Dashboards,
    private readonly page: Page,
  ) {}

  /** Begins to look, with a token of its own. */
  static async start(server: TestServer, outside: Outside): Promise<AlarmWatch> {
    const token = (await server.cli('token', 'add', 'eve', '--role', 'viewer')).trim();
    const boards = await Dashboards.open(server.adminUrl);
    try {
      const page = await boards.signedIn(token);
      await watchAlarms(page);
      return new AlarmWatch(server, token, outside, boards, page);
    } catch (error) {
      await boards.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.boards.close();
  }

  async until<Result>(what: string, look: () => Promise<Result | undefined>): Promise<Result> {
    for (let tries = 0; tries < 200; tries++) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(100);
    }
    throw new Error(`${what} did not come\n${this.server.log.slice(-3000)}`);
  }

  /** The alarm of a rule, when it is raised. */
  up(rule: string): Promise<AlarmState> {
    return this.until(`${rule} raised`, async () => {
      const { alarms } = await callServer(this.server.data, alarmShow, {});
      return alarms.find((alarm) => alarm.rule === rule);
    });
  }

  /** The alarm of a rule, raised or not any more. */
  once(rule: string): Promise<AlarmState> {
    return this.until(`${rule} raised`, async () => (await this.past()).find(of(rule)));
  }

  down({ id }: AlarmState): Promise<AlarmState> {
    return this.until(`alarm ${id} cleared`, async () =>
      (await this.past()).find((alarm) => alarm.id === id && alarm.clearedAt > 0),
    );
  }

  /** Whether log, webhook, API and dashboard tell the same story of an alarm that is over. */
  async agree(alarm: AlarmState): Promise<void> {
    const paged = await this.until('the webhook', async () => {
      const told = this.outside.told.filter((one) => one.alarm.id === alarm.id);
      return told.length >= STORY.length ? told : undefined;
    });
    assert.deepEqual(
      paged.map(({ event }) => event),
      STORY,
    );
    const lines = this.server.log
      .split('\n')
      .filter((line) => line.includes('"component":"alarm"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ id }) => id === alarm.id);
    assert.deepEqual(
      lines.map(({ event }) => event),
      STORY,
    );
    assert.deepEqual(
      lines.map(({ rule, subject }) => [rule, subject]),
      paged.map((told) => [told.alarm.rule, told.alarm.subject]),
    );
    const { server, token } = this;
    const answer = await http(server.adminUrl, 'GET', '/api/v1/alarm/history', { token });
    const past = (answer.json.alarms as AlarmState[]).find(({ id }) => id === alarm.id);
    assert.deepEqual(past, paged.at(-1)?.alarm);
    await this.seen(alarm, past?.message ?? '');
  }

  /** The dashboard has shown it, does not any more, and has it among those that there were. */
  private async seen({ id }: AlarmState, message: string): Promise<void> {
    assert.equal(await sawAlarm(this.page, id), true, `the dashboard has not shown alarm ${id}`);
    await this.page.locator(`.overview [data-alarm="${id}"]`).waitFor({ state: 'detached' });
    await this.page.getByRole('button', { name: 'Alarms', exact: true }).click();
    const past = this.page.locator(`.past.cleared[data-alarm="${id}"]`);
    await past.waitFor();
    assert.equal(await past.locator('p').first().textContent(), message);
    await this.page.getByRole('button', { name: 'Close' }).click();
  }

  private async past(): Promise<AlarmState[]> {
    return (await callServer(this.server.data, alarmHistory, {})).alarms;
  }
}

function of(wanted: string): (alarm: AlarmState) => boolean {
  return ({ rule }) => rule === wanted;
}
