// The dashboard: asks for a token, and shows how the server is, second by second.

import { signal } from '@preact/signals';
import { render } from 'preact';
import type { ServerView } from '../operations/view/server-view.js';
import { count, percent, span } from '../operations/view/words.js';

const TOKEN_KEY = 'rookery-token';
const RETRY_MS = 2000;

const token = signal(sessionStorage.getItem(TOKEN_KEY) ?? '');
const view = signal<ServerView | undefined>(undefined);
const notice = signal('');

function watch(): void {
  const url = new URL('api/v1/view/stream', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, ['rookery', `bearer.${token.value}`]);
  socket.onmessage = ({ data }) => {
    const item = JSON.parse(String(data)) as Partial<ServerView>;
    if (item.point === undefined) return;
    view.value = item as ServerView;
    notice.value = '';
  };
  socket.onclose = () => {
    notice.value = 'The server does not answer, or does not know this token.';
    setTimeout(watch, RETRY_MS);
  };
}

function signIn(event: SubmitEvent): void {
  event.preventDefault();
  const given = new FormData(event.currentTarget as HTMLFormElement).get('token');
  token.value = String(given ?? '').trim();
  sessionStorage.setItem(TOKEN_KEY, token.value);
  watch();
}

function TokenForm() {
  return (
    <form onSubmit={signIn}>
      <label>
        Token <input name="token" type="password" autocomplete="off" required />
      </label>{' '}
      <button type="submit">Sign in</button>
      <p>
        <code>rookery token add NAME --role viewer</code> makes one.
      </p>
    </form>
  );
}

function Health({ shown }: { readonly shown: ServerView }) {
  const [worst] = shown.alarms;
  const { rates, handoverP99Us, cpu } = shown;
  return (
    <>
      <p role="status">
        {worst === undefined
          ? '● well: no alarm is raised'
          : `▲ ${worst.severity}: ${worst.message}`}
      </p>
      <p>
        {count(shown.server.usersOnline)} users online, {count(rates.messagesOut)} messages a
        second, handed over in {span(handoverP99Us)} (p99), {percent(cpu.process)} of a core
      </p>
    </>
  );
}

function Page() {
  if (token.value === '') return <TokenForm />;
  return (
    <main>
      <h1>Rookery {view.value?.server.domain}</h1>
      {notice.value === '' ? null : <p role="alert">{notice.value}</p>}
      {view.value === undefined ? <p role="status">Waiting …</p> : <Health shown={view.value} />}
    </main>
  );
}

const root = document.getElementById('root');
if (root !== null) render(<Page />, root);
if (token.value !== '') watch();
