// The way in: a number, then the PIN that was sent to it.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Registration, RegistrationError } from '../../sdk/browser.js';
import { notice, registered } from '../model.js';

function problem(error: unknown): string {
  if (!(error instanceof RegistrationError)) return (error as Error).message;
  const wait = error.retryAfterSeconds;
  return wait === undefined ? error.message : `${error.message} Try again in ${wait} seconds.`;
}

function NumberForm({ onSent }: { onSent: (registration: Registration, number: string) => void }) {
  const [number, setNumber] = useState('');
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      onSent(await Registration.start(location.origin, number), number);
    } catch (error) {
      setTrouble(problem(error));
    }
    setBusy(false);
  };
  return (
    <form onSubmit={send}>
      <label for="number">Your phone number, with its country code</label>
      <input
        id="number"
        type="tel"
        autocomplete="tel"
        placeholder="+49 170 1234567"
        required
        value={number}
        onInput={(event) => setNumber(event.currentTarget.value)}
        aria-describedby="number-trouble"
      />
      <p id="number-trouble" class="trouble" role="alert">
        {trouble}
      </p>
      <button type="submit" disabled={busy}>
        Send me a PIN
      </button>
    </form>
  );
}

function PinForm(props: { registration: Registration; number: string; onBack: () => void }) {
  const { registration, number, onBack } = props;
  const [pin, setPin] = useState('');
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const verify = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await registered(await registration.verify(pin, navigator.platform || 'Browser'));
    } catch (error) {
      setTrouble(problem(error));
      setPin('');
      field.current?.focus();
    }
    setBusy(false);
  };
  return (
    <form onSubmit={verify}>
      <label for="pin">The PIN that was sent to {number}</label>
      <input
        id="pin"
        ref={field}
        inputMode="numeric"
        autocomplete="one-time-code"
        pattern="[0-9]{6}"
        maxLength={6}
        required
        value={pin}
        onInput={(event) => setPin(event.currentTarget.value)}
        aria-describedby="pin-trouble"
      />
      {registration.developmentPin !== undefined && (
        <p class="hint">
          This server runs for development and sends no messages. The PIN is{' '}
          <strong id="development-pin">{registration.developmentPin}</strong>
        </p>
      )}
      <p id="pin-trouble" class="trouble" role="alert">
        {trouble}
      </p>
      <button type="submit" disabled={busy}>
        Log in
      </button>
      <button type="button" class="quiet" onClick={onBack}>
        Another number
      </button>
    </form>
  );
}

/** Both steps. */
export function RegistrationView() {
  const [sent, setSent] = useState<{ registration: Registration; number: string } | undefined>();
  return (
    <main class="registration">
      <h1>Rookery</h1>
      {notice.value !== undefined && (
        <p class="trouble" role="alert">
          {notice.value}
        </p>
      )}
      {sent === undefined ? (
        <NumberForm onSent={(registration, number) => setSent({ registration, number })} />
      ) : (
        <PinForm {...sent} onBack={() => setSent(undefined)} />
      )}
    </main>
  );
}
