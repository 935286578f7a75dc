// Own name, about and picture.

import { useState } from 'preact/hooks';
import { people } from '../people.js';
import { ownAddress } from '../session.js';
import { savePicture, saveProfile } from '../settings.js';
import { Avatar } from './avatar.js';
import { Outcome, type Task, useTask } from './task.js';

/** What the server takes. */
const MAX_NAME_CHARACTERS = 100;
const MAX_ABOUT_CHARACTERS = 500;

function PictureField() {
  const task = useTask();
  const own = ownAddress();
  const hasPicture = people.value.get(own)?.picture !== undefined;
  const choose = (field: HTMLInputElement) => {
    const [file] = field.files ?? [];
    // The same file can be chosen again.
    field.value = '';
    if (file !== undefined) void task.run(() => savePicture(file), 'Your picture is changed.');
  };
  return (
    <>
      <div class="picture-field">
        <Avatar peer={own} large />
        <div class="buttons">
          <label class="button">
            {hasPicture ? 'Change picture' : 'Choose a picture'}
            <input
              type="file"
              class="spoken"
              accept="image/*"
              disabled={task.busy}
              onChange={(event) => choose(event.currentTarget)}
            />
          </label>
          {hasPicture && (
            <button
              type="button"
              class="quiet"
              disabled={task.busy}
              onClick={() =>
                void task.run(() => saveProfile({ picture: null }), 'Your picture is removed.')
              }
            >
              Remove picture
            </button>
          )}
        </div>
      </div>
      <Outcome task={task} />
    </>
  );
}

function WordsForm({ name, about, task }: { name: string; about: string; task: Task }) {
  const [newName, setName] = useState(name);
  const [newAbout, setAbout] = useState(about);
  const save = (event: Event) => {
    event.preventDefault();
    const change = { name: newName.trim(), about: newAbout.trim() };
    void task.run(() => saveProfile(change), 'Saved.');
  };
  return (
    <form onSubmit={save}>
      <label for="own-name">Name</label>
      <input
        id="own-name"
        autocomplete="name"
        maxLength={MAX_NAME_CHARACTERS}
        value={newName}
        onInput={(event) => setName(event.currentTarget.value)}
        aria-describedby="own-name-hint"
      />
      <p class="hint" id="own-name-hint">
        Everybody who has your number can see this name.
      </p>
      <label for="own-about">About</label>
      <textarea
        id="own-about"
        rows={2}
        maxLength={MAX_ABOUT_CHARACTERS}
        value={newAbout}
        onInput={(event) => setAbout(event.currentTarget.value)}
      />
      <div class="buttons">
        <button type="submit" disabled={task.busy || (newName === name && newAbout === about)}>
          Save
        </button>
      </div>
    </form>
  );
}

/** The part of the settings. */
export function ProfileForm() {
  const task = useTask();
  const { name = '', about = '' } = people.value.get(ownAddress()) ?? {};
  return (
    <>
      <PictureField />
      {/* What another device has saved replaces what stands in the fields. */}
      <WordsForm key={JSON.stringify([name, about])} name={name} about={about} task={task} />
      <Outcome task={task} />
    </>
  );
}
