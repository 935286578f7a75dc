// The lock of a data folder: one holder, and no lock from the dead.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataLock } from '../../src/services/data-lock.js';
import { temporaryFolder } from '../helpers.js';

describe('data lock', () => {
  const folder = temporaryFolder();
  after(folder.remove);
  const file = join(folder.path, 'rookery.pid');

  it('has one holder, and says who', () => {
    const lock = DataLock.take(folder.path, 'rookery start');
    assert.equal(DataLock.holder(folder.path)?.pid, process.pid);
    assert.throws(
      () => DataLock.take(folder.path, 'test'),
      /in use by process \d+ \(rookery start\)/u,
    );
    lock.release();
    assert.equal(DataLock.holder(folder.path), undefined);
  });

  it('is taken from a process that has gone, or whose number is used again', () => {
    const lock = DataLock.take(folder.path, 'rookery start');
    const held = readFileSync(file, 'utf8');
    lock.release();
    writeFileSync(file, held.replace(/"identity":"[^"]+"/u, '"identity":"another boot/1"'));
    DataLock.take(folder.path, 'test').release();
    writeFileSync(file, '{"pid":');
    DataLock.take(folder.path, 'test').release();
  });
});
