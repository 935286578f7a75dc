// The question before something that cannot be taken back, in the words that the server has for it.

import { useEffect, useRef } from 'preact/hooks';
import { answer, asking } from '../model/acting.js';

export function ConfirmDialog() {
  const box = useRef<HTMLDialogElement>(null);
  const asked = asking.value;
  useEffect(() => {
    if (asked !== undefined) box.current?.showModal();
  }, [asked]);
  if (asked === undefined) return null;
  const { action, words, deed } = asked;
  return (
    <dialog
      ref={box}
      class="confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-more"
      onCancel={(event) => {
        event.preventDefault();
        answer(false);
      }}
    >
      <h2 id="confirm-title">{words}</h2>
      <p id="confirm-more" class="faint">
        {action.description}
      </p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={() => answer(false)}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => answer(true)}>
          {deed}
        </button>
      </div>
    </dialog>
  );
}
