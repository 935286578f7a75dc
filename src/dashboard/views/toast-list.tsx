// What was done, or why not, in a corner; screen readers are told.

import { dismiss, toasts } from '../model/toasts.js';
import { CloseIcon, LevelMark } from './icons.js';
import { MarkedText } from './marked-text.js';

export function ToastList() {
  return (
    <ul class="toasts" aria-live="polite">
      {toasts.value.map(({ id, kind, message, more }) => (
        <li key={id} class={`toast ${kind}`}>
          <LevelMark level={kind === 'done' ? 'well' : 'bad'} />
          <div>
            <p>{message}</p>
            {more === '' ? undefined : (
              <p class="faint">
                <MarkedText text={more} />
              </p>
            )}
          </div>
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <CloseIcon />
          </button>
        </li>
      ))}
    </ul>
  );
}
