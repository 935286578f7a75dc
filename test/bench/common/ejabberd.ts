// Debian's ejabberd beside ours, for the same load: a private instance on a port of loopback, with
// its configuration, spool and logs in a folder of its own, ended by its process. No Erlang
// distribution and no epmd are started; accounts are written by the code that it starts with.
//
// What could hold it back is set generously: no shaper, a backlog as long as ours, a long queue of
// each session (max_fsm_queue), kernel polling, a scheduler for each core, accounts in RAM and on
// disk (mnesia) with stored SCRAM keys, only the modules that the load needs, warnings alone in the
// log.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

const LIBRARIES = '/usr/lib/x86_64-linux-gnu';
const START_TIMEOUT_MS = 120_000;
const LOOK_MS = 50;
const PASSWORD = 'secret';

/** Whether the package is installed. */
export const hasEjabberd = (): boolean =>
  existsSync('/usr/bin/erl') && existsSync('/usr/sbin/ejabberdctl');

// The first account's keys are derived, the others get a copy of them: one salt for all, as for
// the accounts of the load on our side.
const accountsCode = (count: number): string => `
  case mnesia:dirty_read(passwd, {<<"u0">>, <<"localhost">>}) of
    [] ->
      ok = ejabberd_auth:try_register(<<"u0">>, <<"localhost">>, <<"${PASSWORD}">>),
      [Record] = mnesia:dirty_read(passwd, {<<"u0">>, <<"localhost">>}),
      lists:foreach(fun(Number) ->
        User = iolist_to_binary([<<"u">>, integer_to_binary(Number)]),
        ok = mnesia:dirty_write(setelement(2, Record, {User, <<"localhost">>}))
      end, lists:seq(1, ${count - 1})),
      mnesia:sync_log();
    _ -> ok
  end`;

export class Ejabberd {
  readonly folder = mkdtempSync(join(tmpdir(), 'rookery-ejabberd-'));
  readonly #ready = join(this.folder, 'ready');
  #child: ChildProcess | undefined;
  #exited: Promise<void> | undefined;

  private constructor(
    readonly port: number,
    readonly accounts: number,
  ) {
    const listener = {
      port,
      ip: '127.0.0.1',
      module: 'ejabberd_c2s',
      max_stanza_size: 262_144,
      shaper: 'none',
      access: 'all',
      backlog: 4096,
    };
    const config = {
      loglevel: 'warning',
      log_rotate_count: 0,
      hosts: ['localhost'],
      listen: [listener],
      auth_method: ['internal'],
      auth_password_format: 'scram',
      max_fsm_queue: 10_000,
      modules: { mod_roster: {}, mod_offline: {}, mod_stream_mgmt: {} },
    };
    writeFileSync(join(this.folder, 'ejabberd.yml'), stringify(config));
    mkdirSync(join(this.folder, 'spool'));
  }

  /** Starts one with that many accounts, u0, u1 …. */
  static async start(port: number, accounts: number): Promise<Ejabberd> {
    const server = new Ejabberd(port, accounts);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** Starts the process (again), and waits until it serves. */
  async restart(): Promise<void> {
    rmSync(this.#ready, { force: true });
    const code =
      `{ok, _} = application:ensure_all_started(ejabberd), ${accountsCode(this.accounts)},` +
      `file:write_file("${this.#ready}", <<>>).`;
    const flags = ['+K', 'true', '+P', '250000', '-noinput', '-mnesia', 'dir'];
    const spool = `"${join(this.folder, 'spool')}"`;
    const child = spawn('/usr/bin/erl', [...flags, spool, '-eval', code], {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        ERL_LIBS: LIBRARIES,
        ERL_MAX_PORTS: '32000',
        ERL_MAX_ETS_TABLES: '1400',
        ERL_CRASH_DUMP_BYTES: '0',
        EJABBERD_CONFIG_PATH: join(this.folder, 'ejabberd.yml'),
        EJABBERD_LOG_PATH: join(this.folder, 'ejabberd.log'),
      },
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!existsSync(this.#ready)) {
      if (child.exitCode !== null) throw new Error(`ejabberd ended: ${this.folder}/ejabberd.log`);
      if (Date.now() > deadline) throw new Error('ejabberd was not ready in time');
      await sleep(LOOK_MS);
    }
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** kill -9, and the end of the process. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
