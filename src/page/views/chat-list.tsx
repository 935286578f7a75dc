// The list of chats, the most recent first, and the field that begins a new one.

import { useState } from 'preact/hooks';
import type { Chat } from '../../sdk/browser.js';
import { activities, chats, notice, open, openChat } from '../model.js';
import { blocked, nameOf, people } from '../people.js';
import { connection, ownAddress, panel } from '../session.js';
import { Avatar } from './avatar.js';
import { PeopleIcon, SettingsIcon } from './icons.js';
import { OPENERS } from './panel.js';
import { TickMark } from './tick-mark.js';
import { timeOf } from './time.js';

const STATES = {
  online: 'Connected',
  connecting: 'Connecting …',
  offline: 'Waiting for the network …',
};

function Preview({ chat }: { chat: Chat }) {
  const activity = activities.value.get(chat.peer);
  if (activity !== undefined) {
    return <span class="activity">{activity === 'typing' ? 'typing …' : 'recording …'}</span>;
  }
  const { last } = chat;
  return (
    <span class="preview">
      {last.mine && <TickMark message={last} />}
      {last.retracted ? 'taken back' : last.body}
    </span>
  );
}

function Line({ chat }: { chat: Chat }) {
  const { about } = people.value.get(chat.peer) ?? {};
  return (
    <li>
      <button
        type="button"
        class="chat"
        aria-current={open.value === chat.peer ? 'true' : undefined}
        onClick={() => void openChat(chat.peer)}
      >
        <Avatar peer={chat.peer} />
        <span class="name">
          {nameOf(chat.peer)}
          {blocked.value.has(chat.peer) && <span class="tag">blocked</span>}
        </span>
        <time>{timeOf(chat.last.at)}</time>
        <Preview chat={chat} />
        {chat.unread > 0 && (
          <span class="unread">
            {chat.unread}
            <span class="spoken"> unread</span>
          </span>
        )}
        {about !== undefined && <span class="about">{about}</span>}
      </button>
    </li>
  );
}

function NewChat() {
  const [who, setWho] = useState('');
  const begin = (event: Event) => {
    event.preventDefault();
    void openChat(who);
    setWho('');
  };
  return (
    <form class="new-chat" onSubmit={begin}>
      <label for="who" class="spoken">
        Number to chat with
      </label>
      <input
        id="who"
        type="tel"
        placeholder="Chat with a number …"
        value={who}
        onInput={(event) => setWho(event.currentTarget.value)}
      />
      <button type="submit" disabled={who.trim() === ''}>
        Chat
      </button>
    </form>
  );
}

function Head() {
  const own = ownAddress();
  return (
    <header>
      <Avatar peer={own} />
      <div class="who">
        <h1>{nameOf(own)}</h1>
        <p class={`state ${connection.value}`} role="status">
          {STATES[connection.value]}
        </p>
      </div>
      <button
        type="button"
        class="icon"
        id={OPENERS.people}
        aria-label="People"
        title="People"
        onClick={() => {
          panel.value = 'people';
        }}
      >
        <PeopleIcon />
      </button>
      <button
        type="button"
        class="icon"
        id={OPENERS.settings}
        aria-label="Settings"
        title="Settings"
        onClick={() => {
          panel.value = 'settings';
        }}
      >
        <SettingsIcon />
      </button>
    </header>
  );
}

/** The column on the left. */
export function ChatList() {
  return (
    <nav class="side chats" aria-label="Chats">
      <Head />
      <NewChat />
      {notice.value !== undefined && (
        <p class="trouble" role="alert">
          {notice.value}
        </p>
      )}
      {chats.value.length === 0 && (
        <p class="hint">No chats yet. Type a number above, or look who is here under “People”.</p>
      )}
      <ul>
        {chats.value.map((chat) => (
          <Line key={chat.peer} chat={chat} />
        ))}
      </ul>
    </nav>
  );
}
