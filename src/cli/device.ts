// `rookery device …`: the devices with which an account logs in.

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { loadConfig } from '../config/load.js';
import { nameOf, withPort } from './account.js';

interface ConfigOption {
  readonly config?: string;
}

async function list(user: string, option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const name = nameOf(user, config);
  const devices = await withPort(config, (port) => port.devices(name));
  if (devices === undefined) throw new UserError(`There is no account ${name}@${config.domain}.`);
  if (devices.length === 0) console.log(`${name}@${config.domain} has no devices.`);
  for (const device of devices) {
    const since = new Date(device.created).toISOString().slice(0, 19).replace('T', ' ');
    console.log(`${String(device.id).padStart(3)}  since ${since}  ${device.name}`);
  }
}

async function remove(user: string, number: string, option: ConfigOption): Promise<void> {
  const { config } = loadConfig(option.config);
  const name = nameOf(user, config);
  const id = /^[1-9][0-9]{0,2}$/u.test(number) ? Number(number) : 0;
  if (id === 0) {
    throw new UserError(
      `${number} is not the number of a device.`,
      'Use `rookery device list` to see the numbers.',
      2,
    );
  }
  const removed = await withPort(config, (port) => port.removeDevice(name, id));
  if (!removed) throw new UserError(`${name}@${config.domain} has no device ${id}.`);
  console.log(`Removed device ${id} of ${name}@${config.domain}.`);
}

/** Adds the device commands. */
export function addDeviceCommands(program: Command): void {
  const device = program.command('device').description('manage the devices of an account');
  const command = (name: string, description: string): Command =>
    device.command(name).description(description).option('--config <file>', 'configuration file');
  command('list', 'list the devices of an account').argument('<user>').action(list);
  command('remove', 'remove a device and end its sessions')
    .argument('<user>')
    .argument('<number>', 'as `rookery device list` shows it')
    .action(remove);
}
