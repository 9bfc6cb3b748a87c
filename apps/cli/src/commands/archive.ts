import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainId, hexOfBytes, StoreError } from '@sigma/recorder';
import type { Moved, ObjectStore, Retention } from '@sigma/recorder/archive';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { archiveCache, archiveStore } from '../archive-input.ts';
import { wholeNumber } from '../arguments.ts';
import { readText } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { hotRecording, isAddress, shelfName, withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';
import { mustBeWritable } from '../writable.ts';

const DAY_MS = 86_400_000;

interface ArchiveFlags {
  readonly to?: string;
  readonly check?: string;
  readonly thin?: string;
  readonly retention?: string;
  readonly release?: boolean;
  readonly keepDays: number;
  readonly json?: boolean;
}

/** `sigma archive FILE --to PLACE`: what is old, into Parquet with its proofs. */
export function archiveCommand(shell: Shell): Command {
  return command('archive', 'Put a recording into an archive: Parquet files with every block and its proofs', [
    'sigma archive site.sqlite --to /mnt/archive',
    'sigma archive site.sqlite --to "s3://sigma/site-1?endpoint=http://127.0.0.1:9000"',
    'sigma archive site.sqlite --to /mnt/archive --release --retention retention.json',
    'sigma archive --thin /mnt/archive --retention retention.json',
    'sigma archive --check /mnt/archive',
  ])
    .argument('[recording]', 'file, or postgres:// address with tenant')
    .option('--to <place>', 'folder, or s3://bucket/prefix?endpoint=URL&region=NAME')
    .option('--release', 'take out of the recording what the archive holds and is older than --keep-days')
    .option('--keep-days <n>', 'days that stay in the recording', wholeNumber(0, 100_000), 30)
    .option('--retention <file>', 'JSON: for how many days each tenant keeps which class, hot and archived')
    .option('--thin <place>', 'take payloads out of an archive whose time is over; needs --retention')
    .option('--check <place>', 'read every file of an archive and compare it with its hash')
    .action(async (named: string | undefined, flags: ArchiveFlags) => {
      const terminal = shell.terminal(flags.json === true);
      try {
        if (flags.check !== undefined) await check(shell, terminal, flags.check);
        else if (flags.thin !== undefined) await thin(shell, terminal, flags.thin, await retentionIn(flags));
        else if (named === undefined || flags.to === undefined) {
          throw new CommandError(
            EXIT.usage,
            'a recording and a place are needed',
            'sigma archive site.sqlite --to PLACE',
          );
        } else await put(shell, terminal, named, await archiveStore(shell.environment, flags.to, 'write'), flags);
      } catch (error) {
        if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
        throw error;
      }
    });
}

async function put(
  shell: Shell,
  terminal: Terminal,
  named: string,
  store: ObjectStore,
  flags: ArchiveFlags,
): Promise<void> {
  const { archiveRecording } = await import('@sigma/recorder/archive');
  const kept = checkpointsBeside(shelfName(shell.environment, named));
  const report = await withRecording(shell.environment, named, (recording) =>
    archiveRecording(recording, store, {
      sha256,
      signal: shell.interrupted,
      checkpoints: kept.of,
      progress: ({ source }, { lastSequence }) => terminal.progress(`${source}: ${lastSequence}`),
    }),
  ).finally(kept.close);
  const released = flags.release === true ? await release(shell, named, store, flags) : [];
  const { events, bytes, manifests, written } = report;
  terminal.result(
    {
      recording: named,
      archive: store.address,
      objects: written.length,
      events,
      bytes,
      manifests: manifests.map(({ tenant, version, sha256: hash }) => ({ tenant, version, sha256: hash })),
      released: released.map(({ hash, ...end }) => ({ ...end, hash: hexOfBytes(hash) })),
    },
    `${
      written.length === 0
        ? `${store.address} holds all of it already`
        : `${events} events in ${2 * written.length} files, ${(bytes / 1e6).toFixed(1)} MB, in ${store.address}`
    }${released.map(({ source, epoch, sequence }) => `\n${source} ${epoch}: events up to ${sequence} were moved`).join('')}`,
  );
}

/** Signed heads that lie beside a recording go into the archive with its chains. */
function checkpointsBeside(recording: string): {
  readonly of: (chain: ChainId) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
} {
  if (!existsSync(`${recording}.proofs`)) return { of: async () => [], close: async () => undefined };
  const shelf = openProofShelf(recording);
  return { of: (chain) => shelf.checkpoints(chain), close: () => shelf.close() };
}

/** Takes out of a recording what its archive holds: the archive read back, then the mark, then the blocks (R162). */
async function release(
  shell: Shell,
  named: string,
  store: ObjectStore,
  flags: ArchiveFlags,
): Promise<readonly Moved[]> {
  if (!isAddress(named)) mustBeWritable(named, 'Releasing');
  const { ColdArchive, releasable, releaseFromSqlite, writeMark } = await import('@sigma/recorder/archive');
  const cold = await ColdArchive.open(store, { cacheDir: archiveCache(shell.environment) });
  try {
    const { recording, close } = await hotRecording(shell.environment, named);
    const moved = await releasable(recording, cold, await hotSince(flags)).finally(close);
    if (moved.length === 0) return moved;
    if (isAddress(named)) {
      const { releaseFromPostgres } = await import('@sigma/recorder/postgres');
      await releaseFromPostgres(await ownerOf(shell), tenantOf(moved), moved);
    } else {
      writeMark(named, moved);
      releaseFromSqlite(named, moved);
    }
    return moved;
  } finally {
    await cold.close();
  }
}

/** The wall clock before which events of a tenant may leave the recording. */
async function hotSince(flags: ArchiveFlags): Promise<(tenant: string) => number> {
  const { retentionOf } = await import('@sigma/recorder/archive');
  const retention = flags.retention === undefined ? null : await retentionIn(flags);
  return (tenant) => {
    const days = retention === null ? flags.keepDays : retentionOf(retention, tenant).hotDays;
    return days === null ? Number.NEGATIVE_INFINITY : (Date.now() - days * DAY_MS) * 1000;
  };
}

async function retentionIn({ retention: path }: ArchiveFlags): Promise<Retention> {
  const { parseRetention, RetentionError } = await import('@sigma/recorder/archive');
  if (path === undefined) throw new CommandError(EXIT.usage, 'no retention was named', 'Give it with --retention FILE');
  try {
    return parseRetention(readText(path, '--retention'));
  } catch (error) {
    if (!(error instanceof RetentionError)) throw error;
    throw new CommandError(EXIT.usage, `${path}: ${error.message}`, 'See `docs/archive.md` for an example');
  }
}

/** Payloads whose time is over go; what stays remains provable (R170). */
async function thin(shell: Shell, terminal: Terminal, named: string, retention: Retention): Promise<void> {
  const { ColdArchive, thinArchive } = await import('@sigma/recorder/archive');
  const store = await archiveStore(shell.environment, named, 'read');
  const cacheDir = archiveCache(shell.environment);
  const cold = await ColdArchive.open(store, { cacheDir });
  await cold.close();
  if (cold.manifests.length === 0) throw nothingArchived(store);
  const thinned = await thinArchive(store, retention, Date.now() * 1000, sha256, { cacheDir });
  const told = thinned.map(({ chain: { tenant, source, epoch }, object, classes }) => ({
    ...{ tenant, source, epoch, classes },
    ...{ firstSequence: object.firstSequence, lastSequence: object.lastSequence },
  }));
  const rows = told.map(({ source, firstSequence, lastSequence, classes }) => [
    ...[source, `${firstSequence} to ${lastSequence}`, classes.join(', ')],
  ]);
  const text = rows.length === 0 ? 'nothing is over its time' : columns([['source', 'events', 'without'], ...rows]);
  terminal.result({ archive: store.address, thinned: told }, text);
}

const tenantOf = (moved: readonly Moved[]): string => moved[0]?.tenant ?? '';

/** The login that records may not remove: the owner of the database does. */
async function ownerOf(shell: Shell): Promise<string> {
  const { databaseUrl, dataDir } = shell.environment;
  const { runningEmbedded } = await import('@sigma/hub');
  const owner = databaseUrl ?? runningEmbedded(join(dataDir, 'hub'));
  if (owner !== null) return owner;
  const wayOut = 'Set DATABASE_URL to the connection of the role that owns the database';
  throw new CommandError(EXIT.usage, 'only the owner of the database removes from it; everything is archived', wayOut);
}

function nothingArchived({ address }: ObjectStore): CommandError {
  const wayOut = 'Name the place that `sigma archive` wrote to; where that was cut short, archive again: it goes on';
  return new CommandError(EXIT.machine, `${address} holds no manifest: nothing is archived there`, wayOut);
}

/** Every file of the newest manifests, each named that is not as it was written. */
async function check(shell: Shell, terminal: Terminal, named: string): Promise<void> {
  const { ArchiveDamageError, checkTree, ColdArchive } = await import('@sigma/recorder/archive');
  const store = await archiveStore(shell.environment, named, 'read');
  const cold = await ColdArchive.open(store, { cacheDir: archiveCache(shell.environment) });
  if (cold.manifests.length === 0) {
    await cold.close();
    throw nothingArchived(store);
  }
  const damaged: { readonly key: string; readonly what: string }[] = [];
  const sound: string[] = [];
  try {
    for (const chain of cold.chains) {
      for (const object of chain.objects) {
        shell.interrupted.throwIfAborted();
        for (const which of ['blockFile', 'eventFile'] as const) {
          try {
            await cold.fileOf(chain, object, which);
            sound.push(object[which].key);
          } catch (error) {
            if (!(error instanceof ArchiveDamageError)) throw error;
            damaged.push({ key: error.key, what: error.what });
          }
        }
        terminal.progress(`${chain.source}: ${object.lastSequence}`);
      }
      if (damaged.length === 0) await checkTree(cold, chain, sha256);
    }
  } finally {
    await cold.close();
  }
  const rows = cold.chains.map(({ tenant, source, epoch, objects }) => [
    tenant,
    source,
    String(epoch),
    String(objects.length),
    String(objects[objects.length - 1]?.lastSequence ?? 0),
  ]);
  terminal.result(
    { archive: store.address, chains: cold.chains.length, sound: sound.length, damaged },
    `${columns([['tenant', 'source', 'epoch', 'objects', 'events'], ...rows])}${damaged.length > 0 ? '' : `\nall ${sound.length} files are as they were written`}`,
  );
  if (damaged.length === 0) return;
  throw new CommandError(
    EXIT.failed,
    `${damaged.length} of ${sound.length + damaged.length} files are damaged: ${damaged.map(({ what }) => what).join('; ')}`,
    'Put them back from a copy of the archive; the others are as they were written',
  );
}
