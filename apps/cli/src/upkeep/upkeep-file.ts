import { dirname, resolve } from 'node:path';
import type { Retention } from '@sigma/recorder/archive';
import { readText } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';

/** What a hub does every day, as a file says it. */
export interface UpkeepPlan {
  readonly archive: DailyArchive | null;
  readonly backup: DailyBackup | null;
  /** What the file of retention says; null keeps everything for ever. */
  readonly kept: Retention | null;
}

export interface DailyArchive {
  /** Seconds after midnight UTC. */
  readonly atS: number;
  /** Folder or bucket. */
  readonly to: string;
  /** Path of the file that says for how long each tenant keeps which class; null keeps everything for ever. */
  readonly retention: string | null;
  /** Whether what the archive holds is taken out of recordings when its time is over. */
  readonly release: boolean;
}

export interface DailyBackup {
  readonly atS: number;
  readonly to: string;
}

/**
 * Reads `{"archive": {"at": "02:30", "to": "/mnt/archive", "retention": "retention.json", "release": true},
 * "backup": {"at": "03:30", "to": "/mnt/backup"}}`; either may be left out, times are UTC, paths are meant from the file.
 * What would only fail at night is found when it is read.
 *
 * @throws CommandError naming the field
 */
export async function readUpkeep(path: string): Promise<UpkeepPlan> {
  const plan = planIn(path);
  const retention = plan.archive?.retention ?? null;
  if (retention === null) return plan;
  const text = readText(retention, 'archive.retention');
  const { parseRetention, RetentionError } = await import('@sigma/recorder/archive');
  try {
    return { ...plan, kept: parseRetention(text) };
  } catch (error) {
    if (!(error instanceof RetentionError)) throw error;
    throw new CommandError(EXIT.usage, `${retention}: ${error.message}`, 'docs/archive.md shows such a file');
  }
}

function planIn(path: string): UpkeepPlan {
  const wrong = (what: string): CommandError =>
    new CommandError(EXIT.usage, `${path}: ${what}`, 'docs/archive.md shows such a file');
  const from = dirname(resolve(path));
  const fields = (value: unknown, name: string, known: readonly string[]): Record<string, unknown> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${name} is no object`);
    const stranger = Object.keys(value).find((key) => !known.includes(key));
    if (stranger !== undefined) throw wrong(`${name} knows no '${stranger}', only ${known.join(', ')}`);
    return value as Record<string, unknown>;
  };
  const daily = (name: string, { at, to }: Record<string, unknown>) => {
    const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(String(at)) ?? [];
    if (hours === undefined) throw wrong(`${name}.at is no time of the day such as "02:30" (UTC)`);
    if (typeof to !== 'string' || to === '') throw wrong(`${name}.to names no place`);
    const place = /^s3:\/\//.test(to) ? to : resolve(from, to);
    return { atS: Number(hours) * 3600 + Number(minutes) * 60, to: place };
  };
  let value: unknown;
  try {
    value = JSON.parse(readText(path, '--upkeep'));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw wrong(`it is no JSON (${(error as Error).message})`);
  }
  const { archive, backup } = fields(value, 'the plan', ['archive', 'backup']);
  if (archive === undefined && backup === undefined) throw wrong('it plans neither archive nor backup');
  let planned: DailyArchive | null = null;
  if (archive !== undefined) {
    const {
      retention = null,
      release = false,
      ...rest
    } = fields(archive, 'archive', [...['at', 'to', 'retention', 'release']]);
    if (retention !== null && typeof retention !== 'string') throw wrong('archive.retention names no file');
    if (typeof release !== 'boolean') throw wrong('archive.release is neither true nor false');
    if (release && retention === null) throw wrong('archive.release needs archive.retention: how many days stay hot');
    planned = {
      ...daily('archive', rest),
      retention: retention === null ? null : resolve(from, retention),
      release,
    };
  }
  const copied = backup === undefined ? null : daily('backup', fields(backup, 'backup', ['at', 'to']));
  if (copied?.to.startsWith('s3://') === true) throw wrong('backup.to is a bucket; a backup goes to a folder');
  return { archive: planned, backup: copied, kept: null };
}
