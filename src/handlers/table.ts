// The handlers, one file each. A reload reads this list again.

export const handlerFiles: readonly string[] = [
  'session',
  'roster',
  'subscriptions',
  'blocking',
  'privacy',
  'discovery',
  'disco-info',
  'disco-items',
  'vcard',
  'profile',
  'private-storage',
  'last-activity',
  'software-version',
  'register',
];
