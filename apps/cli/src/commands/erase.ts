import { existsSync } from 'node:fs';
import { StoreError } from '@sigma/recorder';
import { type Erasure, PeopleFile, recordErasures } from '@sigma/recorder/personal';
import { assertNotOpen, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

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
    .argument('<recording>', 'file; the people in it are kept beside it, in FILE.people')
    .option('--person <name>', 'name, or the 32 hex digits that stand for them on record')
    .option('--by <name>', 'who does it')
    .option('--why <text>', 'for what reason; do not name the person')
    .option('--tenant <id>', 'whose record it goes on, where the recording has several')
    .action(async (file: string, flags: EraseFlags) => {
      const terminal = shell.terminal(flags.json === true);
      if (!existsSync(file)) throw new CommandError(EXIT.machine, `${file} does not exist`, 'Check the path');
      try {
        const people = new PeopleFile(file);
        if (flags.person === undefined && people.unrecorded().length === 0) list(terminal, people);
        else await erase(terminal, file, people, flags);
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
    columns([['person', 'on record as'], ...known.map(({ name, subject }) => [name, subject])]),
  );
}

async function erase(terminal: Terminal, file: string, people: PeopleFile, flags: EraseFlags): Promise<void> {
  const { person, by, why } = flags;
  let erased: Erasure | null = null;
  if (person !== undefined) {
    if (by === undefined || why === undefined) {
      throw new CommandError(EXIT.usage, 'an erasure is recorded with who did it and why', 'Give --by and --why');
    }
    erased = people.erase(person, { by, why, timeUs: Date.now() * 1000 });
  }
  const due = people.unrecorded();
  if (due.length > 0) await record(file, people, due, flags.tenant);
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

/** The secret is gone by now; what can still fail is the record of it, and that is made up for at the next call. */
async function record(file: string, people: PeopleFile, due: readonly Erasure[], tenant?: string): Promise<void> {
  assertNotOpen(file);
  const store = openSqliteStore(file);
  try {
    const tenants = [...new Set((await store.heads()).map((head) => head.tenant))];
    const whose = tenant ?? (tenants.length === 1 ? tenants[0] : undefined);
    if (whose === undefined) {
      const wayOut = `Call it again with --tenant, one of ${tenants.join(', ')}`;
      throw new CommandError(EXIT.usage, 'the secret is destroyed, but whose record that goes on is not clear', wayOut);
    }
    await recordErasures(store, whose, due, sha256);
    people.recorded(due);
  } finally {
    await store.close();
  }
}
