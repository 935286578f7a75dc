// What can be done to the server. What may not is shown with the reason.

import { useEffect, useState } from 'preact/hooks';
import type { Action, Field } from '../api/operations.js';
import { act, obstacle, pending } from '../model/acting.js';
import { actions, query } from '../model/session.js';
import { complain } from '../model/toasts.js';
import { DrawerFrame } from './drawer-frame.js';

/** In this order, the harmless first; and what is on their buttons. */
const OFFERED = [
  { id: 'flush', title: 'Flush', deed: 'Flush' },
  { id: 'reload', title: 'Reload', deed: 'Reload' },
  { id: 'drain', title: 'Drain', deed: 'Drain' },
  { id: 'drainEnd', title: 'End a drain', deed: 'End the drain' },
  { id: 'stop', title: 'Stop', deed: 'Stop the server' },
] as const;

function Input(props: { field: Field; value: string; change: (value: string) => void }) {
  const { field, value, change } = props;
  const id = `field-${field.name}`;
  return (
    <div class="field">
      <label for={id}>{field.name.replace(/([A-Z])/gu, ' $1').toLowerCase()}</label>
      <input
        id={id}
        type="number"
        inputMode="numeric"
        min={field.minimum}
        max={field.maximum}
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <p class="faint">{field.description}</p>
    </div>
  );
}

function ActionItem(props: { action: Action; title: string; deed: string }) {
  const { action, title, deed } = props;
  const { id, summary, description, fields } = action;
  const numbers = fields.filter(({ type }) => type === 'number');
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const why = obstacle(id);
  const isPending = pending.value.has(id);
  const input = Object.fromEntries(
    numbers
      .map(({ name, initial }) => [name, values[name] ?? initial] as const)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, Number(value)]),
  );
  return (
    <li class="action">
      <h3>{title}</h3>
      <p>{summary}.</p>
      {description === '' ? undefined : <p class="faint">{description}</p>}
      {numbers.map((field) => (
        <Input
          key={field.name}
          field={field}
          value={values[field.name] ?? field.initial}
          change={(value) => setValues({ ...values, [field.name]: value })}
        />
      ))}
      {why === undefined ? undefined : <p class="reason">{why}</p>}
      <div class="buttons">
        <button
          type="button"
          class={id === 'stop' || id === 'drain' ? 'danger' : undefined}
          disabled={why !== undefined || isPending}
          onClick={() => act(id, input, deed)}
        >
          {isPending ? 'Under way …' : deed}
        </button>
      </div>
    </li>
  );
}

function LogLevel({ action }: { action: Action }) {
  const why = obstacle(action.id);
  const choices = action.fields.find(({ name }) => name === 'level')?.choices ?? [];
  const [level, setLevel] = useState('');
  const isAllowed = why === undefined;
  useEffect(() => {
    if (!isAllowed) return;
    query<{ level: string }>(action.path, { method: 'POST' })
      .then((found) => setLevel(found.level))
      .catch(complain);
  }, [action.path, isAllowed]);
  return (
    <li class="action">
      <h3>Log</h3>
      <p>{action.summary}.</p>
      {why === undefined ? undefined : <p class="reason">{why}</p>}
      <div class="buttons">
        <label class="spoken" for="log-level">
          Level
        </label>
        <select
          id="log-level"
          value={level}
          disabled={!isAllowed}
          onChange={(event) => setLevel(event.currentTarget.value)}
        >
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice} and above
            </option>
          ))}
        </select>
        <button
          type="button"
          disabled={!isAllowed || level === ''}
          onClick={() => act(action.id, { level }, 'Set')}
        >
          Set
        </button>
      </div>
    </li>
  );
}

export function ActionsPanel() {
  const log = actions.value.get('logLevel');
  return (
    <DrawerFrame title="Actions">
      <ul class="actions">
        {OFFERED.map(({ id, title, deed }) => {
          const action = actions.value.get(id);
          return action === undefined ? undefined : (
            <ActionItem key={id} action={action} title={title} deed={deed} />
          );
        })}
        {log === undefined ? undefined : <LogLevel action={log} />}
      </ul>
    </DrawerFrame>
  );
}
