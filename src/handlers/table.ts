// The handlers, one file each. A reload reads this list again.

export const handlerFiles: readonly string[] = [
  'session',
  'roster',
  'subscriptions',
  'blocking',
  'disco-info',
  'disco-items',
  'vcard',
  'private-storage',
  'last-activity',
  'software-version',
  'register',
];
