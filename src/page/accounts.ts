// The accounts of this browser. Each window or tab uses one of them: the one it had before, or the
// first that no other window uses; none: it registers a new one.

import type { Account } from '../sdk/browser.js';

const STORED = 'rookery.accounts';
const OWN = 'rookery.account';

function stored(): Account[] {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? '[]') as Account[];
  } catch {
    return [];
  }
}

/** Whether this browser has a device of that user. */
export function hasAccount(user: string): boolean {
  return stored().some((each) => each.user === user);
}

/** Keeps an account in this browser, and for this window. */
export async function keepAccount(account: Account): Promise<void> {
  const others = stored().filter((each) => each.user !== account.user);
  localStorage.setItem(STORED, JSON.stringify([...others, account]));
  await claim(account);
}

/** Forgets an account, as when the server does not know the device any more. */
export function forgetAccount(account: Account): void {
  // The same number may have been registered again, in another window.
  const others = stored().filter(
    (each) => each.user !== account.user || each.device !== account.device,
  );
  localStorage.setItem(STORED, JSON.stringify(others));
  sessionStorage.removeItem(OWN);
}

/** The account that this window is for; undefined when it has to register. */
export async function ownAccount(): Promise<Account | undefined> {
  const mine = sessionStorage.getItem(OWN);
  const inOrder = stored().sort(
    (left, right) => Number(right.user === mine) - Number(left.user === mine),
  );
  for (const account of inOrder) {
    if (await claim(account)) return account;
  }
  return undefined;
}

/** Takes an account for this window as long as it is open. */
function claim(account: Account): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(`rookery-${account.user}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      if (lock === null) return undefined;
      sessionStorage.setItem(OWN, account.user);
      return new Promise(() => undefined);
    });
  });
}
