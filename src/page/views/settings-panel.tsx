// The settings: profile, privacy, the block list, devices.

import { useEffect } from 'preact/hooks';
import { blocked, nameOf, unblock } from '../people.js';
import { connection } from '../session.js';
import { loadDevices, loadPrivacy } from '../settings.js';
import { Avatar } from './avatar.js';
import { DeviceList } from './device-list.js';
import { Panel, Part } from './panel.js';
import { PrivacyForm } from './privacy-form.js';
import { ProfileForm } from './profile-form.js';
import { Outcome, useTask } from './task.js';

function BlockList() {
  const task = useTask();
  const list = [...blocked.value];
  return (
    <>
      {list.length === 0 && (
        <p class="hint">Nobody. You can block somebody from the chat with them.</p>
      )}
      <ul class="rows" aria-label="Blocked">
        {list.map((peer) => (
          <li class="row" key={peer}>
            <Avatar peer={peer} />
            <span class="what">{nameOf(peer)}</span>
            <button
              type="button"
              class="quiet"
              aria-label={`Unblock ${nameOf(peer)}`}
              disabled={task.busy}
              onClick={() =>
                void task.run(() => unblock(peer), `${nameOf(peer)} is not blocked any more.`)
              }
            >
              Unblock
            </button>
          </li>
        ))}
      </ul>
      <Outcome task={task} />
    </>
  );
}

/** In the place of the chat list. */
export function SettingsPanel() {
  const isOnline = connection.value === 'online';
  const load = useTask();
  useEffect(() => {
    if (isOnline) void load.run(() => Promise.all([loadPrivacy(), loadDevices()]));
  }, [isOnline]);
  return (
    <Panel title="Settings">
      {!isOnline && (
        <p class="hint" role="status">
          Waiting for the network: nothing can be changed until then.
        </p>
      )}
      <Outcome task={load} />
      <fieldset class="parts" disabled={!isOnline}>
        <legend class="spoken">Settings of this account</legend>
        <Part title="Profile">
          <ProfileForm />
        </Part>
        <Part title="Who can see">
          <PrivacyForm />
        </Part>
        <Part title="Blocked people">
          <BlockList />
        </Part>
        <Part title="Devices">
          <DeviceList />
        </Part>
      </fieldset>
    </Panel>
  );
}
