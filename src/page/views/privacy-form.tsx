// Who sees what of this user.

import type { Audience, Privacy } from '../../sdk/browser.js';
import { choosePrivacy, privacy } from '../settings.js';
import { Outcome, useTask } from './task.js';

const ASPECTS: readonly (readonly [keyof Privacy, string])[] = [
  ['lastSeen', 'When I was last here'],
  ['online', 'That I am online'],
  ['picture', 'My picture'],
  ['about', 'My about'],
];
const AUDIENCES: readonly (readonly [Audience, string])[] = [
  ['everyone', 'Everyone'],
  ['contacts', 'My contacts'],
  ['nobody', 'Nobody'],
];

/** The part of the settings. Each choice holds at once. */
export function PrivacyForm() {
  const task = useTask();
  const settings = privacy.value;
  if (settings === undefined) return <p class="hint">Waiting for the server …</p>;
  return (
    <div class="rows">
      {ASPECTS.map(([aspect, words]) => (
        <div class="row" key={aspect}>
          <label for={`privacy-${aspect}`}>{words}</label>
          <select
            id={`privacy-${aspect}`}
            value={settings[aspect]}
            disabled={task.busy}
            onChange={(event) => {
              const audience = event.currentTarget.value as Audience;
              void task.run(() => choosePrivacy({ [aspect]: audience }), 'Saved.');
            }}
          >
            {AUDIENCES.map(([audience, name]) => (
              <option key={audience} value={audience}>
                {name}
              </option>
            ))}
          </select>
        </div>
      ))}
      <p class="hint">Whoever hides when they were last here does not see it of others.</p>
      <Outcome task={task} />
    </div>
  );
}
