// A button whose deed cannot be undone: it asks once more, in its own place.

import { useEffect, useRef, useState } from 'preact/hooks';

/** `question` is asked; `deed` is on the button that does it. */
export function ConfirmButton(props: {
  label: string;
  /** What screen readers say in place of the label, where there are several such buttons. */
  spoken?: string;
  question: string;
  deed: string;
  disabled?: boolean;
  onConfirm: () => void;
}) {
  const { label, spoken = label, question, deed, disabled = false, onConfirm } = props;
  const [asking, setAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const wasAsking = useRef(false);
  useEffect(() => {
    if (asking) keep.current?.focus();
    else if (wasAsking.current) first.current?.focus();
    wasAsking.current = asking;
  }, [asking]);
  if (!asking) {
    return (
      <button
        type="button"
        class="quiet"
        ref={first}
        aria-label={spoken}
        disabled={disabled}
        onClick={() => setAsking(true)}
      >
        {label}
      </button>
    );
  }
  return (
    <fieldset class="confirm">
      <legend>{question}</legend>
      <button
        type="button"
        class="danger"
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {deed}
      </button>
      <button type="button" class="quiet" ref={keep} onClick={() => setAsking(false)}>
        Cancel
      </button>
    </fieldset>
  );
}
