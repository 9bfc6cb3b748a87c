import { ArchiveService } from '@sigma/proto';
import type { Cell, QueryAnswer } from '@sigma/recorder/archive';
import { type HubFlags, openHub } from '../hub-access.ts';
import type { Shell } from '../shell.ts';

/** What is asked of a hub beside the SQL. */
export interface HubQuestion {
  readonly sources: readonly string[];
  /** Microseconds since 1970; 0: without bound. */
  readonly fromUs: number;
  readonly toUs: number;
  readonly rows: number;
  readonly timeoutS: number;
}

/** An answer, wherever it comes from, as it is printed. */
export interface PrintedAnswer
  extends Pick<QueryAnswer, 'columns' | 'isCut' | 'objects' | 'objectsLeftOut' | 'hotEvents' | 'damaged'> {
  readonly rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>;
}

/** Most that a hub gives. */
const MOST = { rows: 10_000, timeoutS: 60 } as const;

/** Asks a hub in SQL, as the person who is signed in. @throws CommandError by its call */
export function hubAsker(
  { environment }: Pick<Shell, 'environment'>,
  flags: HubFlags,
  { sources, fromUs, toUs, rows, timeoutS }: HubQuestion,
): (sql: string) => Promise<PrintedAnswer> {
  const hub = openHub(flags, environment);
  return async (sql) => {
    const answer = await hub.attempt(() =>
      hub.client(ArchiveService).queryEvents({
        ...{ sql, sources: [...sources], fromTimeUs: BigInt(fromUs), toTimeUs: BigInt(toUs) },
        ...{ rows: Math.min(rows, MOST.rows), timeoutS: Math.min(timeoutS, MOST.timeoutS) },
      }),
    );
    const { columns, objects, objectsLeftOut, hotEvents, cut } = answer;
    return {
      ...{ objects, objectsLeftOut, hotEvents: Number(hotEvents), damaged: [], isCut: () => cut },
      columns: columns.map(({ name, type }) => ({ name, type })),
      rows: answer.rows.map((row) => JSON.parse(row) as readonly Cell[]),
    };
  };
}
