import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BlockStore, StoreError } from '@sigma/recorder';
import { type Erasure, PeopleFile, peoplePath, recordErasures } from '@sigma/recorder/personal';
import { assertNotOpen, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { CommandError, EXIT } from '../outcome.ts';
import { isAddress, shelfName } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';
import { mustBeWritable } from '../writable.ts';

interface EraseFlags {
  readonly person?: string;
  readonly by?: string;
  readonly why?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

/** `sigma erase FILE --person NAME`: one person's payloads, in every tier at once, with every proof left whole. */
export function eraseCommand(shell: Shell): Command {
  return command('erase', "Destroy the secret that opens one person's payloads, and record that it was done", [
    'sigma erase site.sqlite --person anna@example.org --by dpo --why "request 12"',
    'sigma erase site.sqlite   # lists the people that it knows',
  ])
    .argument('<recording>', 'file with FILE.people beside it, or the postgres:// address of a hub with its tenant')
    .option('--person <name>', 'name, or the 32 hex digits that stand for them on record')
    .option('--by <name>', 'who does it')
    .option('--why <text>', 'for what reason; do not name the person')
    .option('--tenant <id>', 'whose record it goes on, where the recording has several')
    .action(async (file: string, flags: EraseFlags) => {
      const terminal = shell.terminal(flags.json === true);
      if (!isAddress(file) && !existsSync(file)) {
        throw new CommandError(EXIT.machine, `${file} does not exist`, 'Check the path');
      }
      try {
        const people = new PeopleFile(shelfName(shell.environment, file));
        if (flags.person === undefined && people.unrecorded().length === 0) list(terminal, people);
        else await erase(shell, terminal, file, people, flags);
      } catch (error) {
        if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
        throw error;
      }
    });
}

function list(terminal: Terminal, people: PeopleFile): void {
  const known = people.people();
  terminal.result(
    { people: known },
    known.length === 0
      ? `nobody is known: nobody acted through a hub that wrote it, or FILE.people does not lie beside it`
      : columns([['person', 'on record as'], ...known.map(({ name, subject }) => [name, subject])]),
  );
}

/** The record is opened first: what cannot be recorded is not destroyed. */
async function erase(
  shell: Shell,
  terminal: Terminal,
  file: string,
  people: PeopleFile,
  flags: EraseFlags,
): Promise<void> {
  const { person, by, why } = flags;
  if (person !== undefined && (by === undefined || why === undefined)) {
    throw new CommandError(EXIT.usage, 'an erasure is recorded with who did it and why', 'Give --by and --why');
  }
  const beside = peoplePath(shelfName(shell.environment, file));
  for (const written of isAddress(file) ? [beside] : [file, beside]) mustBeWritable(written, 'An erasure');
  const { store, close } = await openedRecord(shell, file);
  let erased: Erasure | null = null;
  let due: readonly Erasure[] = [];
  try {
    const tenant = await tenantOf(store, flags.tenant);
    if (person !== undefined && by !== undefined && why !== undefined) {
      erased = people.erase(person, { by, why, timeUs: Date.now() * 1000 });
    }
    due = people.unrecorded();
    await recordErasures(store, tenant, due, sha256);
    people.recorded(due);
  } finally {
    await close();
  }
  if (erased === null && person !== undefined) {
    terminal.result(
      { erased: null, recorded: due },
      `nobody is known as '${person}': they never were, or were erased before`,
    );
  } else
    terminal.result(
      { erased, recorded: due },
      `${due.length} erased and recorded; what was sealed for them is closed for good`,
    );
}

interface OpenRecord {
  readonly store: BlockStore;
  close(): Promise<void>;
}

/** @throws StoreBusyError while a program has the file open: it would go on knowing who is erased */
async function openedRecord(shell: Shell, file: string): Promise<OpenRecord> {
  if (isAddress(file)) {
    const { openRecordingAt } = await import('@sigma/hub');
    return openRecordingAt(file, join(shell.environment.dataDir, 'hub'));
  }
  assertNotOpen(file);
  const store = openSqliteStore(file);
  return { store, close: () => store.close() };
}

async function tenantOf(store: BlockStore, named: string | undefined): Promise<string> {
  const tenants = [...new Set((await store.heads()).map((head) => head.tenant))];
  const whose = named ?? (tenants.length === 1 ? tenants[0] : undefined);
  if (whose !== undefined) return whose;
  const wayOut = `Call it again with --tenant, one of ${tenants.join(', ')}`;
  throw new CommandError(EXIT.usage, 'whose record the erasure goes on is not clear; nothing was erased', wayOut);
}
