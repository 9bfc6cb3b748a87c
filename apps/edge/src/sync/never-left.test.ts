import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  ChainWriter,
  Departures,
  decodeStub,
  EVENT_TYPE,
  type EventDraft,
  type Gap,
  gapEvent,
  isStub,
  openingEvent,
  type SealedBlock,
  type SinkWord,
  type SourceWord,
  SyncSink,
  SyncSource,
  signalEvent,
  snapshotEvent,
  verify,
} from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore, testOpening } from '@sigma/recorder/testing';
import fc from 'fast-check';
import { SpoolWatch } from './spool-watch.ts';
import { openSyncMemory } from './sync-memory.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-never-left-'));
after(() => rmSync(home, { recursive: true }));

const CHAIN = { tenant: 'acme', source: 'r1', epoch: 0 };
const HUB = new Uint8Array(32).fill(5);
const WALL_US = 1_700_000_000_000_000;
const WINDOW_BYTES = 6_000;
const PACKED = 8_000;
let files = 0;

/** An edge with a full spool, a hub, and a cable between them that delivers when it is told to. */
class Site {
  readonly hub = new MemoryStore();
  readonly refused: string[] = [];
  readonly #folder = join(home, `${++files}`);
  readonly #writer = new ChainWriter(CHAIN, sha256);
  readonly #memory = openSyncMemory(this.#folder);
  readonly #store = openSqliteStore(join(this.#folder, 'edge.sqlite'), { packBytes: PACKED });
  readonly #sink: SyncSink;
  #n = 0;
  #later: (() => void)[] = [];
  #drops: (readonly SealedBlock[])[] = [];
  #end: ReturnType<SyncSink['linked']> | null = null;
  #up: SourceWord[] = [];
  #down: SinkWord[] = [];
  #life = this.#lives();

  constructor(windowBytes: number) {
    const { hub } = this;
    this.#sink = new SyncSink({
      tenant: 'acme',
      store: hub,
      sha256,
      packing: zstandard,
      wallUs: () => WALL_US,
      paceTime: { nowUs: () => 0, after: (_, run) => void this.#later.push(run) },
      found: () => undefined,
      windowBytes,
    });
  }

  async opens(): Promise<void> {
    const opening = openingEvent(testOpening('r1'));
    await this.#store.append([this.#writer.seal([opening])]);
    await this.#life.source.open();
  }

  #lives() {
    const life = {
      linked: false,
      departures: new Departures(this.#memory.departures, [CHAIN]),
      source: undefined as unknown as SyncSource,
      watch: undefined as unknown as SpoolWatch,
    };
    life.source = new SyncSource({
      tenant: 'acme',
      departures: life.departures,
      sources: new Set(['r1']),
      growing: [CHAIN],
      recordings: [{ path: 'edge', recording: this.#store }],
      memory: this.#memory,
      bytesPerS: Number.POSITIVE_INFINITY,
      packing: zstandard,
      say: (word) => {
        this.#up.push(word);
        if (word.type === 'sent') this.#later.push(() => life.source.left());
      },
      note: (name, body) => void this.refused.push(`${name} ${JSON.stringify(body)}`),
      gapFound: (source, gap) => life.watch.gapFound(source, gap),
      nowUs: () => 0,
      wallUs: () => WALL_US,
      after: (_, run) => void this.#later.push(run),
    });
    life.watch = new SpoolWatch({
      tenant: 'acme',
      growing: [CHAIN],
      recording: this.#store,
      mostBytes: 1,
      usedBytes: () => 1_000_000,
      acknowledged: () => life.source.standings()[0]?.acknowledged ?? 0,
      furthest: (chain) => (life.linked ? Number.POSITIVE_INFINITY : life.departures.furthest(chain)),
      tell: (_, gap) => this.tells(gap),
      drop: (stubs) => void this.#drops.push(stubs),
      full: () => undefined,
    });
    return life;
  }

  /** The recorder puts what it is handed on its disk, later. */
  readonly #told: EventDraft[] = [];
  tells(gap: Gap): void {
    this.#told.push(gapEvent(gap, this.#n * 1_000, WALL_US));
  }

  async does(what: Deed | 'looks only'): Promise<void> {
    const life = this.#life;
    switch (what) {
      case 'looks only':
        await life.source.look();
        break;
      case 'records':
        for (let k = 0; k < 6; k++) await this.#store.append([this.#writer.seal([segment(++this.#n)])]);
        await this.#store.append([this.#writer.seal([snapshot(++this.#n)])]);
        break;
      case 'looks':
        await life.source.look();
        await life.watch.look();
        if (this.#told.length > 0) await this.#store.append([this.#writer.seal(this.#told.splice(0))]);
        break;
      case 'drops':
        for (const stubs of this.#drops.splice(0)) this.#store.drop(stubs);
        break;
      case 'links':
        await this.does('parts');
        this.#end = this.#sink.linked({
          edgeId: 'e1',
          sources: new Set(['r1']),
          say: (word) => void this.#down.push(word),
        });
        life.linked = true;
        life.source.linked(HUB);
        break;
      case 'parts':
        this.#end?.close();
        this.#end = null;
        [this.#up, this.#down] = [[], []];
        if (life.linked) life.source.lost();
        life.linked = false;
        break;
      case 'sends':
        for (const word of this.#up.splice(0)) this.#end?.hear(word);
        break;
      case 'answers':
        for (const word of this.#down.splice(0)) {
          if (word.type === 'answered' && word.answer.refusal !== null) this.refused.push(word.answer.refusal);
          life.source.hear(word);
        }
        break;
      case 'ends':
        await this.does('parts');
        this.#drops = [];
        this.#told.length = 0;
        this.#life = this.#lives();
        await this.#life.source.open();
    }
    for (let turn = 0; turn < 4; turn++) {
      for (const run of this.#later.splice(0)) run();
      await setImmediate();
    }
  }

  /** A link that holds until the hub has everything. */
  async comesHome(): Promise<void> {
    await this.does('links');
    for (let round = 0; round < 400 && (await this.hub.heads())[0]?.sequence !== this.recorded; round++) {
      for (const deed of ['looks only', 'drops', 'sends', 'answers'] as const) await this.does(deed);
    }
  }

  get recorded(): number {
    return this.#writer.head.sequence;
  }

  /** Of each stub how many hashes it still has. */
  async hashes(): Promise<readonly number[]> {
    const found: number[] = [];
    for await (const { bytes } of this.#store.blocks(CHAIN, 1, this.recorded)) {
      if (isStub(bytes)) found.push(decodeStub(bytes).dropped.length);
    }
    return found;
  }

  async close(): Promise<void> {
    assert.equal((await verify(this.#store, { sha256, reexecutors: {} })).firstFailure, null);
    await this.does('parts');
    await this.#store.close();
    this.#memory.close();
  }
}

const DEEDS = ['records', 'looks', 'drops', 'links', 'parts', 'sends', 'answers', 'ends'] as const;
type Deed = (typeof DEEDS)[number];

const segment = (n: number): EventDraft => ({
  ...signalEvent('', '', n * 1_000, WALL_US + n * 1_000),
  type: EVENT_TYPE.stimulusSegment,
  data: new Uint8Array(300).map((_, i) => (i * n) % 251),
});
const snapshot = (n: number): EventDraft => {
  const state = new Uint8Array([n % 251]);
  const facts = { inputSequence: 0, atUs: n * 1_000, state, stateHash: sha256(state), model: '', modelVersion: 1 };
  return snapshotEvent({ ...facts, flags: [], policyHash: '' }, WALL_US + n * 1_000);
};

async function does(deeds: readonly Deed[], windowBytes = WINDOW_BYTES): Promise<Site> {
  const site = new Site(windowBytes);
  await site.opens();
  for (const deed of deeds) await site.does(deed);
  return site;
}

const times = (n: number, ...deeds: readonly Deed[]): readonly Deed[] => Array.from({ length: n }, () => deeds).flat();

test('[R127] of what went while its edge was away, and had never left, no hash of a block is kept; its hub is led past it', async () => {
  const site = await does([...times(4, 'records'), ...times(6, 'looks', 'drops')]);
  const hashes = await site.hashes();
  assert.ok(hashes.length > 0 && hashes.every((one) => one === 1), String(hashes));
  await site.comesHome();
  assert.deepEqual([(await site.hub.heads())[0]?.sequence, site.refused], [site.recorded, []]);
  await site.close();
});

test('[R127] [L3] what may have left keeps them: also where the hub never answered, and over a restart of the edge', async () => {
  for (const last of ['parts', 'ends'] as const) {
    const left: readonly Deed[] = ['records', 'records', 'looks', 'links', 'sends', 'answers', 'sends', last];
    const site = await does([...left, ...times(4, 'records'), ...times(8, 'looks', 'drops')]);
    const hashes = await site.hashes();
    assert.ok((hashes[0] as number) > 1, String(hashes));
    // Nobody remembers how far the life before had come.
    if (last === 'parts') assert.equal(hashes.at(-1), 1, String(hashes));
    await site.comesHome();
    assert.deepEqual([(await site.hub.heads())[0]?.sequence, site.refused], [site.recorded, []]);
    await site.close();
  }
});

test('[R127] [L3] what is to go and has not gone yet may be sent: then it keeps its hashes', async () => {
  for (const windowBytes of [1_000, 1_700, 2_400]) {
    const chosen = [...times(4, 'records'), 'looks', 'looks'] as const;
    const underWay = ['links', 'sends', 'answers', 'sends', 'answers', 'sends', 'parts'] as const;
    const site = await does([...chosen, ...underWay, ...times(6, 'drops', 'looks')], windowBytes);
    const had = (await site.hub.heads())[0]?.sequence as number;
    assert.ok(had > 1 && had < site.recorded, `the hub had ${had}`);
    await site.comesHome();
    assert.deepEqual([(await site.hub.heads())[0]?.sequence, site.refused], [site.recorded, []]);
    await site.close();
  }
});

test('[R127] [L3] recorded, dropped, linked, parted, killed in any order, and whatever was under way lost: a hub comes to the end of the chain', async () => {
  const deeds = fc.array(fc.constantFrom(...DEEDS, 'records', 'looks', 'drops', 'looks', 'drops', 'sends', 'answers'), {
    minLength: 20,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(deeds, async (some) => {
      const site = await does([...times(3, 'records'), ...some]);
      await site.comesHome();
      assert.deepEqual([(await site.hub.heads())[0]?.sequence, site.refused], [site.recorded, []]);
      await site.close();
    }),
    { seed: 127, numRuns: 25 },
  );
});
