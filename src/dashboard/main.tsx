// The dashboard: who is signed in sees the server live.

import { render } from 'preact';
import { followColours } from './charts/colours.js';
import { follow } from './model/live.js';
import { isSignedIn, resume } from './model/session.js';
import { ConfirmDialog } from './views/confirm-dialog.js';
import { Drawer } from './views/drawer.js';
import { Overview } from './views/overview.js';
import { SignIn } from './views/sign-in.js';
import { ToastList } from './views/toast-list.js';
import { TopBar } from './views/top-bar.js';

function Dashboard() {
  if (!isSignedIn.value) {
    document.title = 'Rookery';
    return <SignIn />;
  }
  return (
    <>
      <a class="skip" href="#overview">
        Skip to the figures
      </a>
      <TopBar />
      <Overview />
      <Drawer />
      <ToastList />
      <ConfirmDialog />
    </>
  );
}

followColours();
follow();
const root = document.getElementById('root');
if (root !== null) render(<Dashboard />, root);
void resume();
