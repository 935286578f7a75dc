// Which sheet is open.

import { drawer } from '../model/drawer.js';
import { ActionsPanel } from './actions-panel.js';
import { AlarmHistory } from './alarm-history.js';
import { DrawerFrame } from './drawer-frame.js';
import { MessagePanel } from './message-panel.js';
import { UserPanel } from './user-panel.js';

export function Drawer() {
  const current = drawer.value;
  switch (current?.kind) {
    case undefined:
      return null;
    case 'user':
      return <UserPanel key={current.user} user={current.user} />;
    case 'message':
      return <MessagePanel key={current.id} id={current.id} />;
    case 'nothing':
      return (
        <DrawerFrame title="Nothing found">
          <p class="breakable">
            There is no user <b>{current.text}</b>, and no message of this id is remembered.
          </p>
          <p class="faint">
            Messages are found by the id that their sender gave them, as long as the journal
            remembers them. What still waits for a user is shown with the user.
          </p>
        </DrawerFrame>
      );
    case 'actions':
      return <ActionsPanel />;
    case 'alarms':
      return <AlarmHistory />;
  }
}
