import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import {
  type GetImportResponse,
  GetImportResponseSchema,
  type Import,
  type ImportSchema,
  ImportService,
} from '@sigma/proto';

const SECOND_US = 1_000_000n;
const LASTS_S = 30n;
const MOST_BYTES = 500_000_000n;

/** What each lane of the file says: topic, schema, events a second, and the last of them in words. */
const LANES = [
  { topic: '/amr-7/pose', kind: 'foxglove.PoseInFrame', perS: 10, says: '{"frame_id":"site","x":31.2,"y":12.4}' },
  {
    topic: '/amr-7/scan',
    kind: 'foxglove.LaserScan',
    perS: 5,
    says: '{"ranges":[4.1,4.0,3.9,1.2,1.2],"range_max":12}',
  },
  { topic: '/amr-7/battery', kind: 'amr.Battery', perS: 1, says: '{"charge":0.64,"current_a":3.1}' },
  { topic: '/amr-7/log', kind: 'foxglove.Log', perS: 0.2, says: '{"level":"WARNING","message":"aisle blocked"}' },
  { topic: '/amr-7/imu', kind: 'sensor_msgs/Imu', perS: 50, says: '', unread: 'cdr is not read here' },
] as const;

/** Imports as the hub serves them: one that was read, one that is being read, one that is none. */
export class FakeImports {
  readonly imports: GetImportResponse[] = [];

  /** @param beganUs when the file that was read begins */
  furnish(beganUs: number): void {
    const fromTimeUs = BigInt(beganUs);
    const shared = { by: 'person:ada@example.org', createdTimeUs: fromTimeUs + 60n * SECOND_US };
    const put = (
      one: MessageInitShape<typeof ImportSchema>,
      rest: Pick<MessageInitShape<typeof GetImportResponseSchema>, 'lanes' | 'leftOut'> = {},
    ) => this.imports.push(create(GetImportResponseSchema, { ...rest, import: { ...shared, ...one } }));
    const toTimeUs = fromTimeUs + LASTS_S * SECOND_US;
    const lanes = LANES.map(({ topic, kind, perS, ...one }, lane) => {
      const unread = 'unread' in one ? one.unread : '';
      const encoding = unread === '' ? 'protobuf' : 'cdr';
      return { lane, topic, kind, encoding, unread, events: BigInt(perS * Number(LASTS_S)), fromTimeUs, toTimeUs };
    });
    const events = lanes.reduce((sum, one) => sum + one.events, 0n);
    const leftOut = [{ where: 'byte 1204112', why: 'its chunk is cut short' }];
    const done = { state: 'done', format: 'mcap', bytes: 4_812_004n, events, fromTimeUs, toTimeUs };
    const facts = { laneCount: lanes.length, leftOutCount: leftOut.length, head: 'a1'.repeat(32) };
    put({ id: 'drive', name: 'amr-7 night shift.mcap', ...done, ...facts }, { lanes, leftOut });
    put({ id: 'coming', name: 'conveyor.jsonl', state: 'receiving', bytes: 90_000_000n, receivedBytes: 37_800_000n });
    const reason = 'it is neither MCAP nor CloudEvents in JSON lines';
    put({ id: 'letter', name: 'letter.txt', state: 'failed', bytes: 1_204n, reason });
  }

  routes(router: ConnectRouter): void {
    router.service(ImportService, {
      listImports: () => ({
        imports: this.imports.map((known) => known.import as Import),
        mostBytes: MOST_BYTES,
        mostImports: 50,
      }),
      getImport: ({ importId }) => this.#known(importId),
      countImportEvents: ({ importId, fromTimeUs, toTimeUs, stretches }) => {
        const { lanes } = this.#known(importId);
        const parts = stretches || 500;
        const partUs = Number(toTimeUs - fromTimeUs) / parts;
        const counts = (perS: number, from: bigint, to: bigint) =>
          Array.from({ length: parts }, (_, k) => {
            const atUs = Number(fromTimeUs) + k * partUs;
            const inside = atUs >= Number(from) && atUs < Number(to);
            const [before, after] = [atUs, atUs + partUs].map((us) => Math.floor(((us - Number(from)) / 1e6) * perS));
            return inside ? Math.max(0, (after as number) - (before as number)) : 0;
          });
        return {
          lanes: lanes.map(({ lane, fromTimeUs: from, toTimeUs: to }) => {
            return { lane, counts: counts(LANES[lane]?.perS ?? 1, from, to) };
          }),
        };
      },
      readImportMoment: ({ importId, timeUs }) => {
        const { lanes } = this.#known(importId);
        const began = lanes.filter(({ fromTimeUs }) => fromTimeUs <= timeUs);
        const pointsM = Array.from({ length: 180 }, (_, k) => 31.2 + 4 * Math.cos(k / 40)).flatMap((x, k) => [
          x,
          12.4 + 4 * Math.sin(k / 40),
        ]);
        const place = { lane: 0, name: 'amr-7', frame: 'site', xM: 31.2, yM: 12.4, headingRad: 0.6, timeUs, pointsM };
        return {
          values: began.map(({ lane, unread, events }) => {
            return { lane, timeUs, number: events / 2n, text: LANES[lane]?.says ?? '', cut: false, unread };
          }),
          places: began.length === 0 ? [] : [place],
        };
      },
      findImportEvent: ({ timeUs, onward }) => ({ timeUs: timeUs + (onward ? 100_000n : -100_000n), lane: 0 }),
    });
  }

  #known(id: string): GetImportResponse {
    const found = this.imports.find((known) => known.import?.id === id);
    if (found === undefined) throw new ConnectError(`there is no import '${id}'`, Code.NotFound);
    return found;
  }
}
