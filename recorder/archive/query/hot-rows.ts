import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChainHead, chainName } from '../../src/event.ts';
import type { Recording } from '../../src/store.ts';
import type { Bounds } from './bounds.ts';

/** Events of a chain that are asked of its hot recording. */
export interface HotStretch {
  readonly recording: Recording;
  readonly head: ChainHead;
  readonly fromSequence: number;
  readonly toSequence: number;
}

export interface HotFiles {
  readonly files: readonly string[];
  readonly events: number;
}

interface Kept {
  readonly recording: Recording;
  readonly files: readonly { readonly path: string; readonly toSequence: number; readonly events: number }[];
}

/**
 * Hot events as Parquet files with the archive's own columns, so that a query sees one table (R167). Where more queries
 * are to come, the files of a chain are kept, and a later query only adds what was recorded since.
 */
export class HotRows {
  readonly #keeps: boolean;
  readonly #kept = new Map<string, Kept>();
  #folder: Promise<string> | null = null;
  #made = 0;

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** @param folder where files go that are for this query alone */
  async files(stretches: readonly HotStretch[], bounds: Bounds, folder: string): Promise<HotFiles> {
    const files: string[] = [];
    let events = 0;
    const once: HotStretch[] = [];
    for (const stretch of stretches) {
      const kept = this.#kept.get(keyOf(stretch));
      // Within a time, a few rows of a long chain may be enough; they are made for this query alone.
      if (!this.#keeps || (kept === undefined && (bounds.fromUs !== null || bounds.toUs !== null))) {
        once.push(stretch);
        continue;
      }
      for (const file of await this.#grown(stretch, kept)) {
        files.push(file.path);
        events += file.events;
      }
    }
    if (once.length === 0) return { files, events };
    const path = join(folder, 'hot.parquet');
    const rows = await write(path, once, bounds);
    return { files: rows === 0 ? files : [...files, path], events: events + rows };
  }

  async close(): Promise<void> {
    if (this.#folder !== null) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #grown(stretch: HotStretch, kept: Kept | undefined): Promise<Kept['files']> {
    const { recording, fromSequence, toSequence } = stretch;
    const held = kept?.recording === recording ? kept.files : [];
    const end = held[held.length - 1]?.toSequence ?? fromSequence - 1;
    if (end >= toSequence && end > 0) return held.filter((file) => file.events > 0);
    this.#folder ??= mkdtemp(join(tmpdir(), 'sigma-hot-'));
    const path = join(await this.#folder, `${this.#made++}.parquet`);
    const events = await write(path, [{ ...stretch, fromSequence: end + 1 }], { fromUs: null, toUs: null });
    const files = [...held, { path, toSequence, events }];
    this.#kept.set(keyOf(stretch), { recording, files });
    return files.filter((file) => file.events > 0);
  }
}

/** Where a chain is asked from moves with its archive. */
const keyOf = ({ head, fromSequence }: HotStretch): string => `${chainName(head)} ${fromSequence}`;

/** Loaded only where rows are to be made: what is archived is read by the process of the query alone. */
async function write(
  path: string,
  stretches: readonly HotStretch[],
  bounds: Pick<Bounds, 'fromUs' | 'toUs'>,
): Promise<number> {
  const { writeHotRows } = await import('./write-hot-rows.ts');
  return writeHotRows(path, stretches, bounds);
}
