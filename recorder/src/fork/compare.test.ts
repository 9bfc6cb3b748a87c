import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { TerrainModel } from '@sigma/kernel';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type Tram, tramModel } from '../../testing/tram.ts';
import { tramDay } from '../../testing/tram-day.ts';
import type { SealedBlock } from '../chain-writer.ts';
import { decodeBlock, decodeEnvelope, EVENT_TYPE, type RecordedEvent, type Sha256 } from '../index.ts';
import { sealStub } from '../sync/gap.ts';
import { type Comparison, compareTimelines, type InForce, type SourceComparison } from './compare.ts';
import { type Followed, followedEvents } from './lost-life.ts';
import { LifeReader, LostLifeError, openTimeline, type Timeline } from './timeline.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const WAKES = 400;

const model = (brakeMm: number): TerrainModel<Tram> => ({
  ...tramModel(brakeMm),
  policy: { version: '1', hash: `brakes at ${brakeMm}`, rules: [] },
});
const MODELS = [800, 6_100].map(model);
const gauges = {
  modelOf: ({ policyHash }: { readonly policyHash: string }) =>
    (MODELS.find(({ policy }) => policy.hash === policyHash) as unknown as TerrainModel<never>) ?? 'unknown',
  gauges: { wakes: () => 1 },
};

/** A day as it was recorded, but for the blocks that were dropped of it, first and last inclusive. */
function without(blocks: readonly SealedBlock[], from: number, to: number): readonly SealedBlock[] {
  const gone = blocks.slice(from, to + 1);
  const [first, last] = [gone[0], gone.at(-1)] as [SealedBlock, SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const dropped = gone.map(({ hash: of, count }) => ({ hash: of, count }));
  const stub = sealStub({ tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs });
  return [...blocks.slice(0, from), stub, ...blocks.slice(to + 1)];
}

async function timelineOf(name: string, blocks: readonly SealedBlock[]): Promise<Timeline> {
  const store = new MemoryStore();
  store.rows.push(...blocks);
  return openTimeline(name, store, { sha256, openParent: async () => assert.fail('nobody is a fork here') });
}

const days = MODELS.map((of) => tramDay({ seed: 5, wakes: WAKES, sha256, model: of }).blocks);
const [careless, careful] = days as [readonly SealedBlock[], readonly SealedBlock[]];
const holdsSnapshot = ({ bytes }: SealedBlock): boolean =>
  decodeBlock(bytes).events.some((envelope) => decodeEnvelope(envelope).type === EVENT_TYPE.snapshot);
const lastUs = ({ bytes }: SealedBlock): number => decodeEnvelope(decodeBlock(bytes).events.at(-1) as Uint8Array).atUs;
/** The last block of a stretch of three, between two that hold snapshots, in the midst of the day. */
const DROPPED = careless.findIndex((block, k) => k > 14 && holdsSnapshot(block)) + 1;

const compare = async (
  a: readonly SealedBlock[],
  b: readonly SealedBlock[],
): Promise<[SourceComparison, Comparison]> => {
  const comparison = await compareTimelines(await timelineOf('a', a), await timelineOf('b', b), { gauges });
  return [comparison.sources[0] as SourceComparison, comparison];
};

/** Which decisions are in force on both sides, at each of many moments. */
function differing({ decisions }: SourceComparison, moments: readonly number[]): readonly string[] {
  const words = (one: InForce | null): string => `${one?.authority} ${one?.command} ${one?.rationale}`;
  return moments.map((us) => {
    const found = decisions.find(({ fromUs, untilUs }) => us >= fromUs && us < untilUs);
    return found === undefined ? 'same' : `${words(found.a)} / ${words(found.b)}`;
  });
}

describe('[R119] [R127] a comparison across what one side dropped', () => {
  const gap = without(careless, DROPPED, DROPPED);
  const first = careless[DROPPED] as SealedBlock;
  let whole: SourceComparison;
  let one: SourceComparison;
  before(async () => {
    [whole] = await compare(careless, careful);
    [one] = await compare(gap, careful);
  });

  test('names the stretch that cannot be compared, with its events, and the snapshot behind which it goes on', () => {
    const [left, ...more] = one.uncompared;
    assert.deepEqual(more, []);
    assert.equal(left?.side, 'a');
    assert.deepEqual(
      [left?.firstSequence, left?.lastSequence],
      [first.firstSequence, first.firstSequence + first.count - 1],
    );
    assert.ok((left?.fromUs ?? 0) >= lastUs(careless[DROPPED - 1] as SealedBlock) - 1_000_000);
    assert.ok((left?.fromUs ?? 0) < lastUs(first) && lastUs(first) < (left?.untilUs ?? 0));
    assert.ok((left?.resumedAt ?? 0) > first.firstSequence + first.count - 1);
    assert.deepEqual(whole.uncompared, []);
  });

  test('says of all that lies before and behind it what it says when nothing was dropped', () => {
    assert.equal(whole.result, 'differs');
    const [{ fromUs, untilUs }] = one.uncompared as unknown as [{ fromUs: number; untilUs: number }];
    const moments = Array.from({ length: WAKES * 2 }, (_, k) => 2_000 + k * 50_000);
    const outside = moments.filter((us) => us < fromUs || us > untilUs);
    assert.ok(outside.length < moments.length);
    assert.deepEqual(differing(one, outside), differing(whole, outside));
    const behind = differing(
      one,
      moments.filter((us) => us > untilUs),
    );
    assert.ok(
      behind.some((what) => what !== 'same'),
      'something differs behind it too',
    );
    const within = moments.filter((us) => us > fromUs && us <= untilUs);
    assert.ok(
      differing(one, within).every((what) => what === 'same'),
      'and nothing is said of what is within',
    );
    assert.deepEqual(one.first?.a?.atUs, whole.first?.a?.atUs);
  });

  test('says so wherever it was dropped: what is in force behind it is known from the snapshot', async () => {
    const moments = Array.from({ length: WAKES * 2 }, (_, k) => 2_000 + k * 50_000);
    for (const [k, block] of careless.entries()) {
      if (k < 2 || k >= careless.length - 3 || holdsSnapshot(block)) continue;
      const [again] = await compare(without(careless, k, k), careful);
      const [{ fromUs, untilUs }] = again.uncompared as unknown as [{ fromUs: number; untilUs: number }];
      const outside = moments.filter((us) => us < fromUs || us > untilUs);
      assert.deepEqual(differing(again, outside), differing(whole, outside), `block ${k}`);
    }
  });

  test('leaves the same time out of the outcome of both sides', () => {
    const [a, b] = [one.outcome?.a, one.outcome?.b];
    assert.equal(a?.timeS, b?.timeS);
    assert.ok((a?.timeS ?? 0) < (whole.outcome?.a.timeS ?? 0));
    assert.equal(a?.measured?.['wakes'], b?.measured?.['wakes']);
    assert.ok((a?.measured?.['wakes'] ?? 0) > WAKES / 2 && (a?.measured?.['wakes'] ?? 0) < WAKES);
  });

  test('finds two days the same that are, but for what both dropped in different places', async () => {
    const other = DROPPED + 9;
    const [same, { sources }] = await compare(gap, without(careless, other, other));
    assert.equal(same.result, 'same');
    assert.deepEqual(same.decisions, []);
    assert.deepEqual(
      sources[0]?.uncompared.map(({ side }) => side),
      ['a', 'b'],
    );
    const { a, b } = same.outcome as NonNullable<SourceComparison['outcome']>;
    assert.deepEqual(a, b);
  });

  test('goes as far as it can where nothing is known from there on', async () => {
    const [cut] = await compare(without(careless, DROPPED, careless.length - 2), careful);
    assert.equal(cut.uncompared[0]?.untilUs, null);
    assert.equal(cut.uncompared[0]?.resumedAt, 0);
    assert.equal(cut.outcome?.a.measured?.['wakes'], cut.outcome?.b.measured?.['wakes']);
  });
});

describe('[R127] a life with a dropped stretch', () => {
  const blocks = without(careless, DROPPED, DROPPED);
  const droppedUs = lastUs(careless[DROPPED] as SealedBlock);

  test('can be led up to any moment before it and behind it, and within it says what was dropped', async () => {
    const [life] = (await timelineOf('a', blocks)).lives;
    const [same] = (await timelineOf('whole', careless)).lives;
    assert.ok(life !== undefined && same !== undefined);
    const refused = await LifeReader.leadingUpTo(life, droppedUs, droppedUs - 1).catch((error: unknown) => error);
    assert.ok(refused instanceof LostLifeError, String(refused));
    const { fromUs, untilUs } = refused.lost;
    assert.match(refused.message, /tram-1 cannot be run at \d+\.\d\d s: its events \d+ to \d+ were dropped/);
    for (const atUs of [fromUs, (untilUs ?? 0) + 1, (untilUs ?? 0) + 300_000]) {
      for (const lookUs of [atUs - 1, Math.max(0, atUs - 10_000_000)]) {
        const reader = await LifeReader.leadingUpTo(life, atUs, lookUs);
        const whole = await LifeReader.open(same, reader.restored?.atUs ?? 0);
        await whole.fill(atUs);
        for (let wake = whole.next(atUs); wake !== undefined; wake = whole.next(atUs))
          assert.deepEqual(reader.next(atUs)?.inbox, wake.inbox);
        assert.equal(reader.next(atUs), undefined);
      }
    }
  });

  test('gives no event between what was dropped and the snapshot behind it', async () => {
    const [life] = (await timelineOf('a', blocks)).lives;
    const [piece] = life?.pieces ?? [];
    assert.ok(piece !== undefined);
    const { recording, head } = piece;
    const found: Followed[] = [];
    for await (const one of followedEvents(recording, head, 1)) found.push(one);
    const at = found.findIndex(({ type }) => type === 'lost');
    const sequenceAt = (k: number) => (found[k] as { event: RecordedEvent }).event.sequence;
    const { lost } = found[at] as Followed & { type: 'lost' };
    assert.deepEqual([sequenceAt(at - 1) + 1, sequenceAt(at + 1)], [lost.firstSequence, lost.resumedAt]);
    assert.ok(lost.resumedAt > lost.lastSequence + 1, 'some that were kept lie between');
  });

  test('ends for a reader where it was dropped, and another goes on behind it', async () => {
    const [life] = (await timelineOf('a', blocks)).lives;
    assert.ok(life !== undefined);
    const reader = await LifeReader.open(life, 0);
    await reader.fill(Number.POSITIVE_INFINITY);
    const read = [...reader.peek(Number.POSITIVE_INFINITY)];
    assert.equal(reader.knownUntilUs, read.at(-1)?.atUs);
    const behind = await reader.behind();
    assert.equal(behind?.restored?.atUs, (await reader.lost())?.untilUs);
    await behind?.fill(Number.POSITIVE_INFINITY);
    assert.equal(await behind?.behind(), null);
    const rest = [...(behind?.peek(Number.POSITIVE_INFINITY) ?? [])];
    assert.ok(read.length + rest.length > WAKES - 60 && read.length + rest.length < WAKES);
  });
});
