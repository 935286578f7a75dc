// Alarms about the machine that a server runs on: shards that are held up, memory, disk. Each is
// really brought about and mended, and log, webhook, API and dashboard agree.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { adminSocketPath } from '../../src/base/admin-path.js';
import { AlarmWatch, Outside, PAGER_SECRET } from './support/alarm-watch.js';
import { RawClient } from './support/raw-client.js';
import { TestServer } from './support/server.js';

const MIB = 1024 * 1024;
const LOGIN_SECONDS = 6;
/** Where nobody else writes meanwhile. */
const QUIET_FOLDER = '/dev/shm';

function percentFree(folder: string): number {
  const { blocks, bavail } = statfsSync(folder);
  return (100 * bavail) / blocks;
}

/** A folder with room, and with enough of it that the server's own files are no percent of it. */
function roomyFolder(): string {
  try {
    const { blocks, bsize } = statfsSync(QUIET_FOLDER);
    if (blocks * bsize > 512 * MIB) return QUIET_FOLDER;
  } catch {
    // No such file system here.
  }
  return tmpdir();
}

/** Sends a body of this size, which is refused once it has been read. */
function sendNonsense(socketPath: string, bytes: number): Promise<void> {
  const body = JSON.stringify({ accounts: [{ user: 'x'.repeat(bytes), password: 'y' }] });
  const headers = { 'content-type': 'application/json' };
  const path = '/api/v1/account/write';
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method: 'POST', path, headers }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('alarms of a machine', function () {
  this.timeout(90_000);
  const outside = new Outside();
  const folder = roomyFolder();
  const free = Math.floor(percentFree(folder));
  let server: TestServer;
  let watch: AlarmWatch;

  before(async () => {
    const url = await outside.start();
    server = await TestServer.start({
      folder,
      config: {
        admin: { listen: '127.0.0.1:0' },
        log: { format: 'json' },
        limits: { unauthenticatedSeconds: LOGIN_SECONDS },
        alarms: {
          holdSeconds: 0,
          clearSeconds: 1,
          webhook: { url: `${url}/alarms`, secret: PAGER_SECRET },
          memoryBytes: 400 * MIB,
          memory: { warning: 75, critical: 100, clear: 65 },
          disk: { warning: free - 2, critical: 0, clear: free - 1 },
          shardLag: { warning: 400, critical: 600_000, clear: 200 },
          off: ['eventLoopLag', 'commitTime', 'queue'],
        },
      },
    });
    watch = await AlarmWatch.start(server, outside);
  });
  after(async () => {
    await watch?.close();
    await server?.remove();
    outside.close();
  });

  it('shardLag: shards are held up when they ought to wake', async () => {
    // Each of them is to be closed at a moment of its own, unless it logs in.
    const idle = Array.from({ length: 30 }, () => new RawClient(server.endpoint, 'nobody'));
    for (const client of idle) {
      await client.connect();
      await sleep(50);
    }
    await sleep((LOGIN_SECONDS - 2) * 1000);
    process.kill(server.pid, 'SIGSTOP');
    await sleep(1500);
    process.kill(server.pid, 'SIGCONT');
    const alarm = await watch.once('shardLag');
    assert.match(alarm.subject, /^shard-\d$/u);
    assert.ok(alarm.value >= 400 && alarm.value < 20_000, `${alarm.value}`);
    await watch.down(alarm);
    await watch.agree(alarm);
    for (const client of idle) client.cut();
  });

  it('memory: something huge is read, and collected', async () => {
    const socket = adminSocketPath(server.data);
    await sendNonsense(socket, 60 * MIB);
    const alarm = await watch.up('memory');
    assert.ok(alarm.value >= 75);
    let isOver = false;
    const over = watch.down(alarm).then(() => {
      isOver = true;
    });
    // What it has left behind is collected when more comes.
    while (!isOver) {
      await sendNonsense(socket, 4 * MIB);
      await sleep(100);
    }
    await over;
    await watch.agree(alarm);
  });

  it('disk: it is filled, and somebody makes room', async () => {
    const filler = join(server.folder, 'filler');
    const { blocks, bsize } = statfsSync(folder);
    const bytes = Math.ceil(((percentFree(folder) - (free - 2)) / 100 + 0.001) * blocks * bsize);
    execFileSync('fallocate', ['-l', String(bytes), filler]);
    try {
      const alarm = await watch.up('disk');
      assert.match(alarm.message, /are free\.$/u);
      rmSync(filler);
      await watch.down(alarm);
      await watch.agree(alarm);
    } finally {
      rmSync(filler, { force: true });
    }
  });
});
