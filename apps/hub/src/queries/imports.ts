import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { ImportService } from '@sigma/proto';
import { type ImportDesk, ImportRefusal } from '../imports/import-desk.ts';
import { callerOf, limitOf, momentOf } from './context.ts';

const CODES: Readonly<Record<ImportRefusal['kind'], Code>> = {
  missing: Code.NotFound,
  invalid: Code.InvalidArgument,
  busy: Code.ResourceExhausted,
  'not yet': Code.FailedPrecondition,
  damaged: Code.DataLoss,
};
const STRETCHES = { usual: 500, most: 2_000 } as const;
const CHARACTERS = { usual: 300, most: 20_000 } as const;
const MOST_LANES = 1_000;

/** What others recorded, asked of the desk that keeps it. */
export function importQueries(desk: ImportDesk): ServiceImpl<typeof ImportService> {
  return {
    listImports: () => {
      const { fileBytes, imports } = desk.bounds;
      return { imports: [...desk.all()], mostBytes: BigInt(fileBytes), mostImports: imports };
    },
    getImport: ({ importId }) => saying(() => desk.get(importId)),
    beginImport: ({ name, bytes }, context) =>
      saying(() => {
        if (name.trim() === '') throw new ImportRefusal('invalid', 'the file has no name');
        return { import: desk.begin(name, Number(bytes), callerOf(context)), pieceBytes: desk.bounds.pieceBytes };
      }),
    sendImportPiece: ({ importId, offset, data }) =>
      saying(async () => ({ import: await desk.piece(importId, Number(offset), data) })),
    removeImport: ({ importId }) =>
      saying(async () => {
        await desk.remove(importId);
        return {};
      }),
    countImportEvents: ({ importId, fromTimeUs, toTimeUs, stretches, lanes }) =>
      saying(async () => {
        const whole = fromTimeUs === 0n && toTimeUs === 0n ? desk.get(importId).import : undefined;
        const fromUs = momentOf(whole?.fromTimeUs ?? fromTimeUs, 'from_time_us');
        const toUs = momentOf(whole === undefined ? toTimeUs : whole.toTimeUs + 1n, 'to_time_us');
        if (toUs <= fromUs) throw new ImportRefusal('invalid', 'to_time_us lies behind from_time_us');
        const parts = limitOf(stretches, STRETCHES.usual, STRETCHES.most);
        const counted = await desk.count(importId, { fromUs, toUs, stretches: parts, only: few(lanes) });
        return { lanes: counted.map(({ lane, counts }) => ({ lane, counts: [...counts] })) };
      }),
    readImportMoment: ({ importId, timeUs, lanes, characters }) =>
      saying(async () => {
        const [at, most] = [momentOf(timeUs, 'time_us'), limitOf(characters, CHARACTERS.usual, CHARACTERS.most)];
        const { values, places } = await desk.moment(importId, { timeUs: at, only: few(lanes), characters: most });
        return {
          values: values.map((one) => ({ ...one, timeUs: BigInt(one.timeUs), number: BigInt(one.number) })),
          places: places.map((one) => ({ ...one, timeUs: BigInt(one.timeUs), pointsM: [...one.pointsM] })),
        };
      }),
    findImportEvent: ({ importId, timeUs, onward, lanes }) =>
      saying(async () => {
        const found = await desk.find(importId, { timeUs: momentOf(timeUs, 'time_us'), onward, only: few(lanes) });
        return found === null ? {} : { timeUs: BigInt(found.timeUs), lane: found.lane };
      }),
  };
}

function few(lanes: readonly number[]): readonly number[] {
  if (lanes.length <= MOST_LANES) return lanes;
  throw new ConnectError(`lanes: at most ${MOST_LANES} numbers`, Code.InvalidArgument);
}

/** What the desk refuses, as an answer. */
async function saying<Result>(use: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    if (error instanceof ImportRefusal) throw new ConnectError(error.message, CODES[error.kind]);
    throw error;
  }
}
