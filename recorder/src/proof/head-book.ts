import { type ChainHead, type ChainId, chainName, type Sha256 } from '../event.ts';
import type { Recording } from '../store.ts';
import { originOf, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { type ChainTree, treeUpTo } from './event-proof.ts';
import type { SigningKey } from './note.ts';
import { shelfStands, type TileShelf } from './tiles.ts';

/** A shelf that keeps checkpoints too, as the one beside a recording does. */
export interface CheckpointShelf extends TileShelf {
  keep(chain: ChainId, size: number, note: string): Promise<void>;
  /** Takes the checkpoints of that size away. */
  drop(chain: ChainId, size: number): Promise<void>;
  /** The smallest tree first. */
  checkpoints(chain: ChainId): Promise<readonly string[]>;
}

/** The head of one chain as it stands, signed by its writer. */
export interface OwnHead {
  readonly chain: ChainId;
  readonly size: number;
  /** Checkpoint, a signed note. */
  readonly note: string;
}

export interface HeadBookOptions {
  readonly recording: Recording;
  readonly shelf: CheckpointShelf;
  /** Takes the tiles of a chain where those on the shelf are of another recording, which stay there as evidence. */
  readonly spare: () => TileShelf;
  readonly key: SigningKey;
  readonly sha256: Sha256;
  readonly tenant: string;
  /** Writers whose heads these are. */
  readonly sources: ReadonlySet<string>;
  /** Chains of this recording that a witness is known to have seen: one that is not there any more is shown as empty. */
  readonly expected?: () => readonly ChainId[];
}

/** A backup is a beginning of what was written: only its last epoch can be one that was cut short. Some more, for care. */
const EPOCHS_SHOWN = 8;
/** Of cosigned checkpoints one an hour is kept, and the newest. */
const KEPT_EVERY_S = 3_600;

/** A note has room for 64 signatures; more witnesses than these prove no more. */
const MOST_COSIGNATURES = 32;

interface Kept {
  readonly size: number;
  readonly cosignatures: readonly string[];
  /** Whether it is an hour's first, which stays when the next one comes. */
  readonly stays: boolean;
  /** When the last one that stays was cosigned. */
  readonly sinceS: number;
}

/** What a writer can show of its own chains: signed heads, the proofs between them, and what others cosigned. */
export class HeadBook {
  readonly #options: HeadBookOptions;
  readonly #trees = new Map<string, ChainTree>();
  readonly #heads = new Map<string, OwnHead>();
  /** By origin: the newest checkpoint that was kept, and when the last one was that stays. */
  readonly #kept = new Map<string, Kept>();

  constructor(options: HeadBookOptions) {
    this.#options = options;
  }

  /**
   * The heads of the newest epochs of every source, brought up to what is durable now: what was signed before and has
   * not grown comes back as it was.
   *
   * @throws TilesDifferError, StoreError
   */
  async heads(): Promise<readonly OwnHead[]> {
    const { recording, key, sha256, tenant, sources } = this.#options;
    const bySource = new Map<string, ChainHead[]>();
    const gone = new Map((this.#options.expected?.() ?? []).map((chain) => [originOf(chain), chain]));
    for (const head of await recording.heads()) {
      gone.delete(originOf(head));
      if (head.tenant !== tenant || !sources.has(head.source) || head.sequence === 0) continue;
      const of = bySource.get(head.source);
      if (of === undefined) bySource.set(head.source, [head]);
      else of.push(head);
    }
    const found: OwnHead[] = [...gone.values()].map((chain) => this.#empty(chain));
    for (const epochs of bySource.values()) {
      epochs.sort((a, b) => b.epoch - a.epoch);
      for (const head of epochs.slice(0, EPOCHS_SHOWN)) {
        const origin = originOf(head);
        const before = this.#heads.get(origin);
        if (before !== undefined && before.size >= head.sequence) {
          found.push(before);
          continue;
        }
        const tree = await treeUpTo(recording, head, sha256, await this.#shelfFor(head));
        const note = signCheckpoint(head, await tree.head(), key, sha256);
        const now = { chain: tree.chain, size: tree.size, note };
        this.#trees.set(origin, tree);
        this.#heads.set(origin, now);
        found.push(now);
      }
    }
    return found;
  }

  #empty(chain: ChainId): OwnHead {
    const { key, sha256 } = this.#options;
    return { chain, size: 0, note: signCheckpoint(chain, { size: 0, root: sha256(new Uint8Array()) }, key, sha256) };
  }

  async #shelfFor(chain: ChainId): Promise<TileShelf> {
    const { recording, shelf } = this.#options;
    if ((await shelfStands(recording, chain, shelf)) !== 'differs') return shelf;
    const spare = this.#options.spare();
    if ((await shelfStands(recording, chain, spare)) === 'differs') await spare.clear(chain);
    return spare;
  }

  /**
   * Proves that one tree of a chain goes on from another.
   *
   * @param to at most the size of the chain's last head
   * @throws RangeError when there is no such head
   */
  async consistency(chain: ChainId, from: number, to: number): Promise<readonly Uint8Array[]> {
    if (to === 0) return [];
    const tree = this.#trees.get(originOf(chain));
    if (tree === undefined) throw new RangeError(`no head of ${chainName(chain)} was made here`);
    return tree.consistency(from, to);
  }

  /** Size of the greatest tree of a chain that is kept, cosigned; 0 when there is none. */
  async keptSize(chain: ChainId): Promise<number> {
    const last = (await this.#options.shelf.checkpoints(chain)).at(-1);
    return last === undefined ? 0 : parseCheckpoint(last).size;
  }

  /**
   * Keeps a cosignature with its checkpoint beside the recording. Those of several witnesses on one head are kept
   * together; the next head takes its place, unless it is an hour's first.
   *
   * @param cosignature a signature line that holds
   */
  async keep({ chain, size, note }: OwnHead, cosignature: string, timeS: number): Promise<void> {
    const { shelf } = this.#options;
    const origin = originOf(chain);
    const before = this.#kept.get(origin);
    if (before !== undefined && before.size > size) return;
    const same = before?.size === size;
    if (same && before.cosignatures.length >= MOST_COSIGNATURES) return;
    const cosignatures = same ? [...before.cosignatures, cosignature] : [cosignature];
    const hour = before === undefined || timeS - before.sinceS >= KEPT_EVERY_S;
    const stays = same ? before.stays : hour;
    this.#kept.set(origin, { size, cosignatures, stays, sinceS: stays && !same ? timeS : (before?.sinceS ?? timeS) });
    if (before !== undefined && (same || !before.stays)) await shelf.drop(chain, before.size);
    await shelf.keep(chain, size, note + cosignatures.join(''));
  }
}
