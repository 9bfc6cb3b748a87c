import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { draw } from '@sigma/kernel';
import { type LinkedChain, sameBytes, verify } from '../src/index.ts';
import { sha256 } from '../stores/sqlite/sqlite-store.ts';
import { scratchRoot } from './seeds.ts';
import { Agenda, blockName, SoakEdge, SoakHub, SoakLink, TENANT, type Weather } from './sync-world.ts';

const MS = 1_000;
const S = 1_000_000;
/** Virtual time of trouble, and the bound within which everything has arrived once there is none any more. */
const TROUBLE_US = 40 * S;
const DRAIN_US = 60 * S;

export interface SyncFault {
  readonly kind: 'lost' | 'doubled' | 'reordered' | 'unsound';
  readonly what: string;
}

/** What one seed tried, and what it found. */
export interface SyncTally {
  readonly blocks: number;
  readonly words: number;
  readonly again: number;
  readonly cuts: number;
  readonly edgeKills: number;
  readonly hubKills: number;
  readonly forgotten: number;
  readonly jumps: number;
  readonly forks: number;
  readonly findings: readonly SyncFault[];
}

export const NO_SYNC: SyncTally = {
  blocks: 0,
  words: 0,
  again: 0,
  cuts: 0,
  edgeKills: 0,
  hubKills: 0,
  forgotten: 0,
  jumps: 0,
  forks: 0,
  findings: [],
};

/** One seed: edges that record, a hub that keeps, and everything that may go wrong between them; then quiet, and the count. */
export async function syncRound(seed: number): Promise<SyncTally> {
  const folder = mkdtempSync(join(scratchRoot(), 'sigma-sync-'));
  try {
    return await new Round(seed, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Counts = { -readonly [Name in Exclude<keyof SyncTally, 'findings' | 'blocks' | 'forks'>]: number };

class Round {
  readonly #seed: number;
  readonly #agenda = new Agenda();
  readonly #hub: SoakHub;
  readonly #edges: readonly SoakEdge[];
  /** Has the identity of the first edge, another disk, and another history. */
  readonly #twin: SoakEdge | null;
  readonly #links = new Map<SoakEdge, SoakLink>();
  readonly #findings: SyncFault[] = [];
  readonly #counts: Counts = { words: 0, again: 0, cuts: 0, edgeKills: 0, hubKills: 0, forgotten: 0, jumps: 0 };
  #draws = 0;
  #calm = false;
  #work: Promise<void> = Promise.resolve();

  constructor(seed: number, folder: string) {
    this.#seed = seed;
    this.#hub = new SoakHub(join(folder, 'hub'), this.#agenda);
    this.#hub.onDeath = () => this.#later(() => this.#hubDied());
    const edge = (name: string, edgeId: string, mark = ''): SoakEdge =>
      new SoakEdge(join(folder, name), this.#agenda, seed, edgeId, mark);
    this.#edges = ['e0', 'e1'].slice(0, 1 + this.#chance(2)).map((id) => edge(id, id));
    this.#twin = this.#chance(4) === 0 ? edge('twin', 'e0', 'twin') : null;
  }

  async run(): Promise<SyncTally> {
    const all = this.#twin === null ? this.#edges : [...this.#edges, this.#twin];
    for (const edge of this.#edges) await this.#begin(edge);
    for (let atUs = 0; atUs < TROUBLE_US; ) {
      atUs += (10 + this.#chance(400)) * MS;
      await this.#agenda.until(atUs);
      if (this.#twin?.source === null && atUs > TROUBLE_US / 4) await this.#begin(this.#twin);
      for (const edge of all) if (edge.source !== null) await edge.record();
      await this.#trouble(all[this.#chance(all.length)] as SoakEdge);
      await this.#work;
    }
    this.#calm = true;
    this.#hub.dies = null;
    for (const edge of all) {
      if (edge.source === null) await this.#begin(edge);
      this.#link(edge);
    }
    const settled = await this.#settle();
    if (!settled) this.#found('unsound', `not everything has arrived ${DRAIN_US / S} s after the last trouble`);
    await this.#count();
    for (const { store } of all) await store.close();
    await this.#hub.store.close();
    const { words, again } = this.#counts;
    const blocks = this.#hub.committed.length;
    return { ...this.#counts, words, again, blocks, forks: this.#hub.forks.length, findings: this.#findings };
  }

  #chance(of: number): number {
    return draw(this.#seed, 1, 0, 70, this.#draws++) % of;
  }

  #found(kind: SyncFault['kind'], what: string): void {
    this.#findings.push({ kind, what: `seed ${this.#seed}: ${what}` });
  }

  /** In a moment of its own, behind whatever runs. */
  #later(work: () => Promise<void>): void {
    this.#work = this.#work.then(work);
  }

  async #begin(edge: SoakEdge): Promise<void> {
    await edge.begin([Number.POSITIVE_INFINITY, 50_000, 400_000][this.#chance(3)] as number);
    this.#link(edge);
  }

  #link(edge: SoakEdge): void {
    this.#cut(edge);
    if (edge.source === null) return;
    const weather: Weather = {
      delayUs: () => (this.#calm ? 2 * MS : this.#chance([3, 40, 400][this.#chance(3)] as number) * MS),
      copies: () => (!this.#calm && this.#chance(12) === 0 ? 2 : 1),
    };
    this.#links.set(edge, new SoakLink(this.#agenda, edge, this.#hub, weather));
  }

  #cut(edge: SoakEdge): void {
    const link = this.#links.get(edge);
    if (link === undefined) return;
    this.#links.delete(edge);
    link.cut();
    this.#counts.cuts++;
    this.#counts.words += link.words;
    this.#counts.again += link.again;
  }

  async #trouble(edge: SoakEdge): Promise<void> {
    switch (this.#chance(11)) {
      case 0:
        this.#cut(edge);
        return;
      case 1:
      case 2:
        this.#link(edge);
        return;
      case 3:
        this.#cut(edge);
        if (edge.source === null) return;
        this.#counts.edgeKills++;
        await edge.kill();
        return;
      case 4:
        if (edge.source === null && edge !== this.#twin) await this.#begin(edge);
        return;
      case 5:
        this.#hub.dies = this.#chance(2) === 0 ? 'before' : 'after';
        return;
      case 6:
        if (this.#chance(3) === 0) await this.#restartHub(() => this.#hub.backUp());
        return;
      case 7:
        if (this.#chance(4) === 0) {
          await this.#restartHub(async () => {
            if (await this.#hub.forget()) this.#counts.forgotten++;
          });
        }
        return;
      case 8: {
        this.#counts.jumps++;
        const jumpUs = (this.#chance(7_200) - 3_600) * S;
        if (this.#chance(2) === 0) edge.wallOffUs += jumpUs;
        else edge.clockOffUs += jumpUs;
        return;
      }
      case 9:
        this.#hub.wallOffUs = (this.#chance(600) - 300) * S;
    }
  }

  #hubDied(): Promise<void> {
    this.#counts.hubKills++;
    return this.#restartHub(() => this.#hub.restart());
  }

  async #restartHub(how: () => Promise<void>): Promise<void> {
    const linked = [...this.#links.keys()];
    for (const edge of linked) this.#cut(edge);
    await how();
    for (const edge of linked) if (this.#chance(3) > 0) this.#link(edge);
  }

  /** Runs until every edge rests. @returns whether it came to that in time */
  async #settle(): Promise<boolean> {
    const endUs = this.#agenda.nowUs + DRAIN_US;
    for (;;) {
      await this.#agenda.until(this.#agenda.nowUs + 200 * MS);
      await this.#work;
      const resting = [...this.#links.keys()].every(
        ({ source }) =>
          (source?.standings() ?? []).every(
            ({ acknowledged, recorded, stopped }) => stopped !== null || acknowledged >= recorded,
          ) && (source?.standings().length ?? 0) > 0,
      );
      if (resting) return true;
      if (this.#agenda.nowUs > endUs) return false;
    }
  }

  /** The count: every block of every edge, once, in order, byte for byte; and of two histories the one that came first. */
  async #count(): Promise<void> {
    const times = new Map<string, number>();
    const next = new Map<string, number>();
    for (const block of this.#hub.committed) {
      const name = blockName(block, block.firstSequence, block.hash);
      times.set(name, (times.get(name) ?? 0) + 1);
      const chain = `${block.source}/${block.epoch}`;
      if (block.firstSequence !== (next.get(chain) ?? 1))
        this.#found('reordered', `${name} was committed out of order`);
      next.set(chain, block.firstSequence + block.count);
    }
    for (const [name, count] of times) if (count > 1) this.#found('doubled', `${name} was stored ${count} times`);
    for (const what of this.#hub.early) this.#found('lost', what);
    for (const edge of this.#edges) await this.#compare(edge);
    if (this.#twin !== null) await this.#checkTwin(this.#twin);
    const { chains } = await verify(this.#hub.store, { sha256, reexecutors: {} });
    for (const { source, failures } of chains) {
      for (const { kind, message } of failures) {
        // Of an epoch and the next one, each side of a twin may have been first: verify says so, and is right.
        const parted = kind === 'cut_short' && this.#twin?.sources.includes(source) === true;
        if (!parted) this.#found('unsound', message);
      }
    }
  }

  async #compare(edge: SoakEdge): Promise<void> {
    for (const head of await edge.store.heads()) {
      const theirs = this.#hub.store.blocks(head, 1, head.sequence)[Symbol.asyncIterator]();
      for await (const { firstSequence, bytes, hash } of edge.store.blocks(head, 1, head.sequence)) {
        const { value } = await theirs.next();
        if (value !== undefined && sameBytes(value.bytes, bytes) && sameBytes(value.hash, hash)) continue;
        const stands = value === undefined ? null : await this.#isTwins(head, firstSequence, value.hash);
        if (stands !== true) this.#found('lost', `${blockName(head, firstSequence, hash)} is not on the hub's disk`);
        break;
      }
    }
  }

  /** Whether what stands there in the hub is what the twin wrote, who came first. */
  async #isTwins(chain: LinkedChain, at: number, hash: Uint8Array): Promise<boolean> {
    const blocks = this.#twin?.store.blocks({ tenant: TENANT, ...chain }, at, at);
    for await (const own of blocks ?? []) return sameBytes(own.hash, hash);
    return false;
  }

  /** Two edges with one identity: where both wrote, one of them was refused with both hashes. */
  async #checkTwin(twin: SoakEdge): Promise<void> {
    const original = this.#edges.find(({ edgeId }) => edgeId === twin.edgeId);
    for (const head of await twin.store.heads()) {
      const both = (await original?.store.heads())?.find(
        ({ source, epoch }) => source === head.source && epoch === head.epoch,
      );
      if (both === undefined || sameBytes(both.hash, head.hash) || both.sequence < 2 || head.sequence < 2) continue;
      const refused = this.#hub.forks.some(
        ({ source, epoch, standingHash, refusedHash }) =>
          source === head.source &&
          epoch === head.epoch &&
          standingHash.length === 32 &&
          refusedHash.length === 32 &&
          !sameBytes(standingHash, refusedHash),
      );
      if (!refused) this.#found('unsound', `two histories of ${head.source}/${head.epoch}, and neither was refused`);
    }
  }
}
