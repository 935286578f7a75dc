// `rookery/client` for browsers: the same client, over WebSocket and with SQLite in OPFS.

export * from './client.js';
export type { Device, LinkingCode } from './devices.js';
export { RegistrationError } from './http.js';
export type { Activity } from './incoming.js';
export { webSocketDial } from './links/websocket.js';
export type {
  Audience,
  Contact,
  Found,
  PeopleList,
  Privacy,
  Profile,
  ProfileChange,
} from './people.js';
export { type Account, joinAccount, Registration } from './registration.js';
export { type Chat, type Message, MessageStore, type Tick } from './store/message-store.js';
export { openWorkerDatabase, type WorkerPort } from './store/worker-database.js';
export { Refused } from './stream/frames.js';
export { LoginFailed } from './stream/managed-stream.js';
