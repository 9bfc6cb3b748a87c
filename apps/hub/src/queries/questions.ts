import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { ArchiveService } from '@sigma/proto';
import { PRINCIPAL } from '../identity/principal.ts';
import type { WrittenTexts } from '../identity/written-texts.ts';
import { type QuestionDesk, QuestionRefusal } from './question-desk.ts';

const NO_DESK =
  'this hub answers no questions in SQL; on the machine that holds its recordings, `sigma query --over` does';
const CODES: Readonly<Record<QuestionRefusal['kind'], Code>> = {
  invalid: Code.InvalidArgument,
  busy: Code.ResourceExhausted,
  bound: Code.ResourceExhausted,
  damaged: Code.DataLoss,
};
const MANY_TEXTS = 'people wrote too much here for it to be searched in SQL: ask without the column text';
const MOST_SQL = 20_000;
const ROWS = { usual: 1_000, most: 10_000 } as const;
const SECONDS = { usual: 20, most: 60 } as const;
const MOST_SOURCES = 1_000;

/** Questions in SQL, asked of the desk that the composition brought. */
export function questionQueries(
  desk: QuestionDesk | null,
  texts: Pick<WrittenTexts, 'all'>,
): ServiceImpl<typeof ArchiveService> {
  return {
    queryEvents: async ({ sql, sources, fromTimeUs, toTimeUs, rows, timeoutS }, { signal, values }) => {
      if (desk === null) throw new ConnectError(NO_DESK, Code.FailedPrecondition);
      within('sql', sql.length, MOST_SQL, 'characters');
      within('rows', rows, ROWS.most, 'rows');
      within('timeout_s', timeoutS, SECONDS.most, 'seconds');
      within('sources', sources.length, MOST_SOURCES, 'names');
      if (sql.trim() === '') throw new ConnectError('there is no SQL', Code.InvalidArgument);
      // Whoever may ask here may read them: everything that says them at the door is a viewer's.
      const written = values.get(PRINCIPAL).kind === 'person' ? await texts.all() : [];
      if (written === null && /\btext\b/i.test(sql)) throw new ConnectError(MANY_TEXTS, Code.ResourceExhausted);
      try {
        const question = {
          ...{ sql, sources, rows: rows || ROWS.usual, timeoutS: timeoutS || SECONDS.usual },
          ...{ fromTimeUs: Number(fromTimeUs), toTimeUs: Number(toTimeUs), texts: written },
        };
        const answer = await desk.ask(question, signal);
        const { columns, cut, objects, objectsLeftOut, hotEvents } = answer;
        return {
          ...{ columns: [...columns], cut, objects, objectsLeftOut, hotEvents: BigInt(hotEvents) },
          rows: answer.rows.map((row) => JSON.stringify(row)),
        };
      } catch (error) {
        if (error instanceof QuestionRefusal) throw new ConnectError(error.message, CODES[error.kind]);
        throw error;
      }
    },
  };
}

function within(field: string, value: number, most: number, of: string): void {
  if (value > most) throw new ConnectError(`${field}: at most ${most} ${of}`, Code.InvalidArgument);
}
