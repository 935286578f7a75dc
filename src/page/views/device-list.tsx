// The devices that are logged in with this account.

import { useState } from 'preact/hooks';
import type { Device, LinkingCode } from '../../sdk/browser.js';
import { devices, linkDevice, logOut, removeDevice } from '../settings.js';
import { ConfirmButton } from './confirm-button.js';
import { Outcome, type Task, useTask } from './task.js';
import { timeOf } from './time.js';

function DeviceLine({ device, task }: { device: Device; task: Task }) {
  const { id, name, since, current } = device;
  return (
    <li class="row">
      <span class="what">
        <strong>{name}</strong>
        <span class="hint">
          {current ? 'This device, since ' : 'Since '}
          <time dateTime={since.toISOString()}>{timeOf(since.getTime())}</time>
        </span>
      </span>
      {current ? (
        <ConfirmButton
          label="Log out"
          question="Log out of this browser?"
          deed="Log out"
          disabled={task.busy}
          onConfirm={() => void task.run(logOut)}
        />
      ) : (
        <ConfirmButton
          label="Remove"
          spoken={`Remove ${name}`}
          question={`Log ${name} out?`}
          deed="Remove"
          disabled={task.busy}
          onConfirm={() => void task.run(() => removeDevice(id), `${name} is removed.`)}
        />
      )}
    </li>
  );
}

function Link() {
  const task = useTask();
  const [link, setLink] = useState<LinkingCode | undefined>();
  return (
    <>
      <div class="buttons">
        <button
          type="button"
          class="quiet"
          disabled={task.busy}
          onClick={() => void task.run(async () => setLink(await linkDevice()))}
        >
          Link another device
        </button>
      </div>
      <div role="status">
        {link !== undefined && (
          <p class="hint">
            On the other device choose “I have a linking code”, and type{' '}
            <strong class="code">{link.code}</strong> within{' '}
            {Math.floor(link.expiresInSeconds / 60)} minutes.
          </p>
        )}
      </div>
      <Outcome task={task} />
    </>
  );
}

/** The part of the settings. */
export function DeviceList() {
  const task = useTask();
  const list = devices.value;
  return (
    <>
      {list === undefined && <p class="hint">Waiting for the server …</p>}
      <ul class="rows" aria-label="Devices">
        {list?.map((device) => (
          <DeviceLine key={device.id} device={device} task={task} />
        ))}
      </ul>
      <Outcome task={task} />
      <Link />
    </>
  );
}
