// The bar that stays: which server this is, whether the figures are live, the search box, and who
// is signed in.

import { useEffect, useRef } from 'preact/hooks';
import { uptime } from '../../operations/view/words.js';
import { shortSpan } from '../../operations/words.js';
import { open } from '../model/drawer.js';
import { clock, heardAt, link, staleMs, tryNow, view } from '../model/live.js';
import { isSearching, search } from '../model/search.js';
import { caller, signOut } from '../model/session.js';
import { Rook, SearchIcon } from './icons.js';

/** Live, or since when not; a shape and a word. */
export function LinkState() {
  const state = link.value;
  const stale = staleMs();
  if (state.state === 'live' && stale === 0) {
    return (
      <p class="link live" role="status">
        <i aria-hidden="true" /> live
      </p>
    );
  }
  const age = heardAt.value === 0 ? 0 : (clock.value - heardAt.value) / 1000;
  const last = age < 2 ? '' : `; the figures are ${shortSpan(age)} old`;
  const seconds =
    state.state === 'waiting' ? Math.max(0, Math.ceil((state.until - clock.value) / 1000)) : 0;
  return (
    <div class={`link ${heardAt.value === 0 ? 'begin' : 'away'}`}>
      <i aria-hidden="true" />
      <span role="status">
        {heardAt.value === 0 && state.state === 'connecting' ? 'connecting …' : 'reconnecting'}
        {last === '' ? undefined : <span class="wide">{last}</span>}
      </span>
      {state.state === 'waiting' ? (
        <button type="button" class="small" onClick={tryNow}>
          Try now <span class="counter">({seconds} s)</span>
        </button>
      ) : undefined}
    </div>
  );
}

function SearchBox() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      const isTyping = target instanceof Element && target.closest('input, select, textarea');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          void search(field.current?.value ?? '');
        }}
      >
        <SearchIcon />
        <input
          type="search"
          ref={field}
          aria-label="Search for a user or a message id"
          placeholder="User or message id"
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="search"
        />
        {isSearching.value ? (
          <span class="faint" role="status">
            looking …
          </span>
        ) : (
          <kbd title="Press / to search">/</kbd>
        )}
      </form>
    </search>
  );
}

export function TopBar() {
  const server = view.value?.server;
  const who = caller.value;
  return (
    <header class="top-bar">
      <div class="brand">
        <Rook />
        <div>
          <h1>{server?.domain ?? who?.domain ?? 'Rookery'}</h1>
          <p class="faint">
            Rookery {who?.version}
            {server === undefined ? '' : `, up ${uptime(Math.round(server.uptimeSeconds))}`}
          </p>
        </div>
      </div>
      <LinkState />
      <SearchBox />
      <nav aria-label="Tools">
        <button type="button" class="quiet" onClick={() => open({ kind: 'actions' })}>
          Actions
        </button>
        <button type="button" class="quiet" onClick={() => open({ kind: 'alarms' })}>
          Alarms
        </button>
        <button
          type="button"
          class="quiet who"
          onClick={() => signOut()}
          title={`${who?.name}, ${who?.role}`}
        >
          Sign out <span class="faint wide">{who?.name}</span>
        </button>
      </nav>
    </header>
  );
}
