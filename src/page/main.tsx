// The chat page: which of its views is shown.

import { render } from 'preact';
import { begin, notice, open, stage, unread } from './model.js';
import { announcement, panel } from './session.js';
import { ChatList } from './views/chat-list.js';
import { Conversation } from './views/conversation.js';
import { PeoplePanel } from './views/people-panel.js';
import { PersonDialog } from './views/person-dialog.js';
import { RegistrationView } from './views/registration.js';
import { SettingsPanel } from './views/settings-panel.js';

function Side() {
  if (panel.value === 'settings') return <SettingsPanel />;
  return panel.value === 'people' ? <PeoplePanel /> : <ChatList />;
}

function Page() {
  document.title = unread.value > 0 ? `(${unread.value}) Rookery` : 'Rookery';
  if (stage.value === 'starting') {
    return (
      <main class="registration">
        <h1>Rookery</h1>
        <p role={notice.value === undefined ? 'status' : 'alert'}>{notice.value ?? 'Starting …'}</p>
      </main>
    );
  }
  if (stage.value === 'registering') return <RegistrationView />;
  return (
    <div class={open.value === undefined ? 'page' : 'page chat-open'}>
      <Side />
      <Conversation />
      <PersonDialog />
      <p class="spoken" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

const root = document.getElementById('root');
if (root !== null) render(<Page />, root);
begin().catch((error: Error) => {
  notice.value = `The page could not start: ${error.message}`;
});
