// What this user decides about themselves: profile, who sees what of it, and on which devices they
// are logged in.

import { signal } from '@preact/signals';
import type { Device, LinkingCode, Privacy, ProfileChange } from '../sdk/browser.js';
import { forgetAccount } from './accounts.js';
import { know } from './people.js';
import { shrunk } from './picture.js';
import { account, ownAddress, theClient } from './session.js';

export const privacy = signal<Privacy | undefined>(undefined);
export const devices = signal<readonly Device[] | undefined>(undefined);
/** This window logs out by its own wish: that the server does not know it any more is no news. */
let leaving = false;
export const isLeaving = (): boolean => leaving;

export async function loadPrivacy(): Promise<void> {
  privacy.value = await theClient().privacy();
}

/** Changes who sees what; shown at once, and taken back when the server refuses. */
export async function choosePrivacy(change: Partial<Privacy>): Promise<void> {
  const before = privacy.value;
  if (before === undefined) return;
  privacy.value = { ...before, ...change };
  try {
    await theClient().setPrivacy(change);
  } catch (error) {
    privacy.value = before;
    throw error;
  }
  // An answer to an earlier question may have come meanwhile, with what held before.
  await loadPrivacy();
}

export async function saveProfile(change: ProfileChange): Promise<void> {
  await theClient().setProfile(change);
  await know(ownAddress(), true);
}

/** Takes the picture in a file. */
export async function savePicture(file: Blob): Promise<void> {
  await saveProfile({ picture: await shrunk(file) });
}

export async function loadDevices(): Promise<void> {
  devices.value = await theClient().devices();
}

export async function removeDevice(id: number): Promise<void> {
  await theClient().removeDevice(id);
  await loadDevices();
}

export function linkDevice(): Promise<LinkingCode> {
  return theClient().linkDevice();
}

/** Removes this device, and begins anew. */
export async function logOut(): Promise<void> {
  const own = account.value;
  if (own === undefined) return;
  leaving = true;
  try {
    await theClient().removeDevice(own.device);
  } catch (error) {
    leaving = false;
    throw error;
  }
  forgetAccount(own);
  location.reload();
}
