// The way in: a number, then the PIN that was sent to it; or the code of another device.

import { useEffect, useRef, useState } from 'preact/hooks';
import { joinAccount, Registration } from '../../sdk/browser.js';
import { joined, notice, registered } from '../model.js';
import { problem } from '../problem.js';

const BROWSERS = [
  ['Firefox/', 'Firefox'],
  ['Edg/', 'Edge'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const;

/** `Firefox on Linux x86_64`: for the user's list of devices. */
function deviceName(): string {
  const known = BROWSERS.find(([sign]) => navigator.userAgent.includes(sign));
  const browser = known?.[1] ?? 'Browser';
  return navigator.platform === '' ? browser : `${browser} on ${navigator.platform}`.slice(0, 64);
}

function NumberForm(props: {
  onSent: (registration: Registration, number: string) => void;
  onCode: () => void;
}) {
  const { onSent, onCode } = props;
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
      <button type="button" class="quiet" onClick={onCode}>
        I have a linking code
      </button>
    </form>
  );
}

function CodeForm({ onBack }: { onBack: () => void }) {
  const [code, setCode] = useState('');
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const join = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await joined(await joinAccount(location.origin, code.trim(), deviceName()));
    } catch (error) {
      setTrouble(problem(error));
      field.current?.focus();
    }
    setBusy(false);
  };
  return (
    <form onSubmit={join}>
      <label for="code">The code that your other device shows</label>
      <input
        id="code"
        ref={field}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder="kt9x-aexq-8gy8"
        required
        value={code}
        onInput={(event) => setCode(event.currentTarget.value)}
        aria-describedby="code-trouble"
      />
      <p class="hint">
        It is under “Settings”, “Devices”, “Link another device”. Messages from before stay there.
      </p>
      <p id="code-trouble" class="trouble" role="alert">
        {trouble}
      </p>
      <button type="submit" disabled={busy}>
        Join
      </button>
      <button type="button" class="quiet" onClick={onBack}>
        Register a number
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
      await registered(await registration.verify(pin, deviceName()));
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

type Step =
  | { kind: 'number' }
  | { kind: 'pin'; registration: Registration; number: string }
  | { kind: 'code' };

/** All ways in. */
export function RegistrationView() {
  const [step, setStep] = useState<Step>({ kind: 'number' });
  const back = () => setStep({ kind: 'number' });
  return (
    <main class="registration">
      <h1>Rookery</h1>
      {notice.value !== undefined && (
        <p class="trouble" role="alert">
          {notice.value}
        </p>
      )}
      {step.kind === 'number' && (
        <NumberForm
          onSent={(registration, number) => setStep({ kind: 'pin', registration, number })}
          onCode={() => setStep({ kind: 'code' })}
        />
      )}
      {step.kind === 'pin' && <PinForm {...step} onBack={back} />}
      {step.kind === 'code' && <CodeForm onBack={back} />}
    </main>
  );
}
