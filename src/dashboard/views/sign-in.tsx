// Who comes without a token is asked for one here, and told how to get one.

import { useRef, useState } from 'preact/hooks';
import { isStarting, refusal, signIn } from '../model/session.js';
import { Rook } from './icons.js';
import { MarkedText } from './marked-text.js';

const HELP =
  'Tokens are made on the server: `rookery token add NAME --role viewer` to look, ' +
  '`--role operator` to act on sessions and alarms, `--role admin` for all.';

export function SignIn() {
  const field = useRef<HTMLInputElement>(null);
  const [isTrying, setTrying] = useState(false);
  const why = refusal.value;
  if (isStarting.value) {
    return (
      <main class="sign-in">
        <p role="status">Asking the server …</p>
      </main>
    );
  }
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setTrying(true);
    const token = String(form.get('token') ?? '').trim();
    const isIn = await signIn(token, form.get('remember') !== null);
    setTrying(false);
    if (!isIn) field.current?.select();
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <h1>
          <Rook /> Rookery
        </h1>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          required
          ref={field}
          aria-describedby="token-help"
          aria-invalid={why !== undefined}
        />
        {why === undefined ? undefined : (
          <div class="refusal" role="alert">
            <p>{why.message}</p>
            {why.advice === '' ? undefined : (
              <p>
                <MarkedText text={why.advice} />
              </p>
            )}
          </div>
        )}
        <label class="choice">
          <input type="checkbox" name="remember" /> Remember it on this device
        </label>
        <button type="submit" disabled={isTrying}>
          {isTrying ? 'Asking …' : 'Sign in'}
        </button>
        <p class="faint" id="token-help">
          <MarkedText text={HELP} />
        </p>
      </form>
    </main>
  );
}
