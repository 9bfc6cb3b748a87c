import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { draw } from '@sigma/kernel';
import { BlocksSentSchema } from '@sigma/proto';
import type { BlockStore } from '../src/index.ts';
import {
  type ChainEnd,
  ChainWriter,
  hexOfBytes,
  type LinkedChain,
  linkedKey,
  openingEvent,
  type SealedBlock,
  type SinkFinding,
  type SinkWord,
  type SourceWord,
  type SyncMemory,
  SyncSink,
  SyncSource,
  sentFrame,
  sentOf,
} from '../src/index.ts';
import { type BoundedStore, openSqliteStore, type SqliteOptions, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { zstandard } from '../stores/zstandard.ts';
import { note, testOpening } from '../testing/chains.ts';

export const TENANT = 'acme';
const MS = 1_000;
/** Bytes of blocks that edges pack together as they record; some do not. */
const PACKS = [undefined, 1_500, 6_000];
/** A wall clock of the sites, at virtual time 0. */
const WALL_US = 1_700_000_000_000_000;

/** Virtual time: what is to happen, in order of its moment, then of its asking. */
export class Agenda {
  nowUs = 0;
  #asked = 0;
  #due: { readonly atUs: number; readonly asked: number; readonly run: () => void }[] = [];

  in(us: number, run: () => void): void {
    const entry = { atUs: this.nowUs + Math.max(0, us), asked: this.#asked++, run };
    const place = this.#due.findIndex(({ atUs }) => atUs > entry.atUs);
    this.#due.splice(place < 0 ? this.#due.length : place, 0, entry);
  }

  /** Runs what is due until then; what one thing sets off has ended before the next begins. */
  async until(us: number): Promise<void> {
    for (let next = this.#due[0]; next !== undefined && next.atUs <= us; next = this.#due[0]) {
      this.#due.shift();
      this.nowUs = next.atUs;
      next.run();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.nowUs = us;
  }
}

/** What the network does to one word. */
export interface Weather {
  readonly delayUs: () => number;
  /** Times that it arrives: 1, but for a network that repeats itself. */
  readonly copies: () => number;
}

/** A hub on disk: it can be killed at any moment, and put back to an earlier state of its disk. */
export class SoakHub {
  readonly forks: Extract<SinkFinding, { type: 'refused' }>[] = [];
  readonly findings = new Map<SinkFinding['type'], number>();
  /** What was acknowledged while it was not on disk. */
  readonly early: string[] = [];
  /** Blocks in the order in which they were committed, since the disk was last put back. */
  committed: SealedBlock[] = [];
  store: BlockStore;
  sink: SyncSink;
  /** Set: the next commit is not made, or made and not answered, and the hub dies of it. */
  dies: 'before' | 'after' | null = null;
  onDeath: () => void = () => {};
  readonly #path: string;
  readonly #agenda: Agenda;
  #backup: readonly SealedBlock[] | null = null;
  wallOffUs = 0;

  constructor(folder: string, agenda: Agenda) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, 'hub.sqlite');
    this.#agenda = agenda;
    this.store = openSqliteStore(this.#path);
    this.sink = this.#open();
  }

  #open(): SyncSink {
    const { store } = this;
    const commit = async (blocks: readonly SealedBlock[]): Promise<void> => {
      const { dies } = this;
      if (dies === 'before') {
        this.dies = null;
        this.onDeath();
        return new Promise(() => {});
      }
      const before = await ends(store);
      await store.append(blocks);
      this.committed.push(...blocks.filter((block) => block.firstSequence > (before.get(linkedKey(block)) ?? 0)));
      if (dies === null) return;
      this.dies = null;
      this.onDeath();
      return new Promise(() => {});
    };
    // One after the other: what each of them stored is told by where the chains ended before it.
    let last: Promise<unknown> = Promise.resolve();
    const append = (blocks: readonly SealedBlock[]): Promise<void> => {
      const committed = last.then(() => commit(blocks));
      last = committed.catch(() => undefined);
      return committed;
    };
    return new SyncSink({
      tenant: TENANT,
      store: { append, heads: store.heads.bind(store), blocks: store.blocks.bind(store) },
      sha256,
      packing: zstandard,
      wallUs: () => WALL_US + this.#agenda.nowUs + this.wallOffUs,
      paceTime: { nowUs: () => this.#agenda.nowUs, after: (us, run) => this.#agenda.in(us, run) },
      found: (finding) => {
        this.findings.set(finding.type, (this.findings.get(finding.type) ?? 0) + 1);
        if (finding.type === 'refused' && finding.refusal === 'fork') this.forks.push(finding);
      },
      windowBytes: 20_000,
    });
  }

  /** Holds an acknowledgement against the disk, at the moment when it leaves. */
  judge(word: SinkWord): void {
    if (word.type !== 'answered' || word.answer.refusal !== null) return;
    const { source, epoch, held } = word.answer;
    const last = this.committed.findLast((block) => block.source === source && block.epoch === epoch);
    const end = last === undefined ? 0 : last.firstSequence + last.count - 1;
    if (held.sequence > end)
      this.early.push(`${source}/${epoch} ${held.sequence} was acknowledged; the disk ends at ${end}`);
  }

  /** Killed and started again: nothing but the disk is left. */
  async restart(): Promise<void> {
    await this.store.close();
    this.store = openSqliteStore(this.#path);
    this.sink = this.#open();
  }

  /** Keeps a copy of the disk as it is. */
  async backUp(): Promise<void> {
    await this.restart();
    copyFileSync(this.#path, `${this.#path}.backup`);
    this.#backup = [...this.committed];
  }

  /** Puts that copy back: whatever was acknowledged since is forgotten. @returns false without a copy */
  async forget(): Promise<boolean> {
    if (this.#backup === null) return false;
    await this.store.close();
    copyFileSync(`${this.#path}.backup`, this.#path);
    this.committed = [...this.#backup];
    this.store = openSqliteStore(this.#path);
    this.sink = this.#open();
    return true;
  }
}

const ends = async (store: BlockStore): Promise<ReadonlyMap<string, number>> =>
  new Map((await store.heads()).map((head) => [linkedKey(head), head.sequence]));

/** What an edge remembers, as its disk holds it: it outlives the program. */
class SoakMemory implements SyncMemory {
  #acknowledged = new Map<string, LinkedChain & ChainEnd>();
  #urgent = new Map<string, LinkedChain & { readonly sequence: number }>();

  #hub: string | null = null;

  lastHub(): string | null {
    return this.#hub;
  }

  acknowledged(): readonly (LinkedChain & ChainEnd)[] {
    return [...this.#acknowledged.values()];
  }

  acknowledge(hub: string, chains: readonly (LinkedChain & ChainEnd)[]): void {
    this.#hub = hub;
    for (const chain of chains) this.#acknowledged.set(linkedKey(chain), chain);
  }

  urgent(): readonly (LinkedChain & { readonly sequence: number })[] {
    return [...this.#urgent.values()];
  }

  remindOf(chain: LinkedChain, sequence: number): void {
    this.#urgent.set(linkedKey(chain), { ...chain, sequence });
  }
}

/** An edge on disk, with its writers and its source of sync. */
export class SoakEdge {
  readonly notes: string[] = [];
  readonly edgeId: string;
  readonly memory = new SoakMemory();
  store: BoundedStore;
  source: SyncSource | null = null;
  /** Bytes that this edge writes into every note: a twin writes others. */
  readonly #mark: string;
  readonly #path: string;
  readonly #agenda: Agenda;
  readonly #seed: number;
  readonly #options: SqliteOptions;
  #writers: ChainWriter[] = [];
  #n = 0;
  clockOffUs = 0;
  wallOffUs = 0;
  /** Where its words go; nowhere without a link. */
  say: (word: SourceWord) => void = () => {};

  constructor(folder: string, agenda: Agenda, seed: number, edgeId: string, mark: string) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, 'edge.sqlite');
    this.#agenda = agenda;
    this.#seed = seed;
    this.#mark = mark;
    this.edgeId = edgeId;
    const packBytes = PACKS[draw(seed, 6, 0, 74, edgeId.length + mark.length) % PACKS.length];
    this.#options = packBytes === undefined ? {} : { packBytes };
    this.store = openSqliteStore(this.#path, this.#options);
  }

  get sources(): readonly string[] {
    return ['r0', 'r1', 'r2'].map((name) => `${this.edgeId}-${name}`);
  }

  /** A life begins: each writer goes on with its chain, or begins the next epoch. */
  async begin(bytesPerS: number): Promise<void> {
    const heads = await this.store.heads();
    this.#writers = [];
    for (const source of this.sources) {
      const own = heads.filter((head) => head.source === source);
      const last = own.at(-1);
      const fresh = last === undefined || draw(this.#seed, 3, 0, 71, this.#n++) % 3 === 0;
      const chain = { tenant: TENANT, source, epoch: (last?.epoch ?? -1) + (fresh ? 1 : 0) };
      const writer = new ChainWriter(chain, sha256, fresh ? undefined : last);
      this.#writers.push(writer);
      if (!fresh) continue;
      const previousEpochHash = last?.hash ?? new Uint8Array();
      await this.store.append([writer.seal([openingEvent(testOpening(source, { ...chain, previousEpochHash }))])]);
    }
    const sync = new SyncSource({
      tenant: TENANT,
      sources: new Set(this.sources),
      growing: this.#writers.map(({ head: { source, epoch } }) => ({ source, epoch })),
      recordings: [{ path: this.#path, recording: this.store }],
      memory: this.memory,
      bytesPerS,
      packing: zstandard,
      say: (word) => {
        this.say(word);
        if (word.type === 'sent') this.#agenda.in(MS, () => this.source === sync && sync.left());
      },
      note: (name) => void this.notes.push(name),
      nowUs: () => this.#agenda.nowUs + this.clockOffUs,
      wallUs: () => WALL_US + this.#agenda.nowUs + this.wallOffUs,
      after: (us, run) => this.#agenda.in(us, () => this.source === sync && run()),
    });
    await sync.open();
    this.source = sync;
    const look = (): void => {
      if (this.source !== sync) return;
      void sync.look();
      this.#agenda.in(50 * MS, look);
    };
    look();
  }

  /** Killed: nothing but the disk is left. */
  async kill(): Promise<void> {
    this.source = null;
    this.say = () => {};
    await this.store.close();
    this.store = openSqliteStore(this.#path, this.#options);
  }

  /** Each writer puts something on record, or nothing. */
  async record(): Promise<void> {
    const blocks = this.#writers.flatMap((writer) => {
      const count = draw(this.#seed, 4, 0, 72, this.#n++) % 4;
      if (count === 0) return [];
      const atUs = this.#agenda.nowUs;
      const size = 20 + (draw(this.#seed, 5, 0, 73, this.#n++) % 900);
      return [writer.seal(Array.from({ length: count }, () => note(this.#n++, atUs, size)).map(this.#marked))];
    });
    if (blocks.length > 0) await this.store.append(blocks);
  }

  readonly #marked = (event: ReturnType<typeof note>): ReturnType<typeof note> =>
    this.#mark === '' ? event : { ...event, subject: this.#mark };
}

/** The cable between an edge and the hub: words are delayed, repeated and out of order, and a cut loses all of them. */
export class SoakLink {
  readonly #agenda: Agenda;
  readonly #weather: Weather;
  #open = true;
  readonly #drop: () => void;
  /** Words that took part, copies included. */
  words = 0;
  again = 0;

  constructor(agenda: Agenda, edge: SoakEdge, hub: SoakHub, weather: Weather) {
    this.#agenda = agenda;
    this.#weather = weather;
    const { source } = edge;
    const end = hub.sink.linked({
      edgeId: edge.edgeId,
      sources: new Set(edge.sources),
      say: (word: SinkWord) => {
        hub.judge(word);
        this.#carry(() => edge.source === source && source?.hear(word));
      },
    });
    edge.say = (word) => {
      const carried = word.type === 'sent' ? { ...word, batch: overTheWire(word.batch) } : word;
      this.#carry(() => end.hear(carried));
    };
    this.#drop = () => {
      end.close();
      edge.say = () => {};
      if (edge.source === source) source?.lost();
    };
    source?.linked(HUB_KEY);
  }

  cut(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#drop();
  }

  #carry(deliver: () => void): void {
    const copies = this.#weather.copies();
    this.words += copies;
    this.again += copies - 1;
    for (let n = 0; n < copies; n++) this.#agenda.in(this.#weather.delayUs(), () => this.#open && deliver());
  }
}

const HUB_KEY = new Uint8Array(32).fill(4);

const overTheWire = (batch: Parameters<typeof sentFrame>[0]): Parameters<typeof sentFrame>[0] =>
  sentOf(fromBinary(BlocksSentSchema, toBinary(BlocksSentSchema, sentFrame(batch))));

/** A block by what it is and where it stands. */
export const blockName = (chain: LinkedChain, sequence: number, hash: Uint8Array): string =>
  `${chain.source}/${chain.epoch} ${sequence} ${hexOfBytes(hash)}`;
