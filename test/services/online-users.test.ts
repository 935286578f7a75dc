// Who is online: one session, several, and the end of those that never were.

import assert from 'node:assert/strict';
import { OnlineUsers } from '../../src/services/online-users.js';

describe('online users', () => {
  it('counts sessions, and says when the last has ended', () => {
    const online = new OnlineUsers();
    online.available('ann', 1n);
    online.available('ann', 1n);
    assert.equal(online.ended('ann', 9n), false);
    online.available('ann', 2n);
    assert.equal(online.ended('ann', 1n), false);
    assert.equal(online.has('ann'), true);
    assert.equal(online.ended('ann', 2n), true);
    assert.equal(online.ended('ann', 2n), false);
    assert.equal(online.size, 0);
  });
});
