import { type BlockScan, decodeEnvelope } from '../block.ts';
import {
  type ChainHead,
  type ChainId,
  EVENT_TYPE,
  hexOfBytes,
  type RecordedEvent,
  type Sha256,
  sameBytes,
} from '../event.ts';
import { decodeOpening, type Opening } from '../payload/opening.ts';
import { chainOfOrigin, openCheckpoint, parseCheckpoint, type Trust } from '../proof/checkpoint.ts';
import { NoteError } from '../proof/note.ts';
import type { TileShelf } from '../proof/tiles.ts';
import { CannotReexecuteError, type Reexecutors } from '../reexecutor.ts';
import { byChain, siteHead } from '../site-head.ts';
import type { Recording } from '../store.ts';
import { decodeGap, type Stub, stubCount } from '../sync/gap.ts';
import { ChainCheck } from './chain-check.ts';
import { Reexecution } from './reexecution.ts';
import {
  type ChainReport,
  type Failure,
  type FailureKind,
  type Sides,
  Stretches,
  type VerifyReport,
} from './report.ts';
import { Salvage } from './salvage.ts';
import { type SignedHead, TreeCheck } from './tree-check.ts';
import { UntoldStubs } from './untold-stubs.ts';

export interface VerifyOptions {
  readonly sha256: Sha256;
  /** Terrain models by name; a chain whose model is not here stays chain-only. */
  readonly reexecutors: Reexecutors;
  /**
   * The chains to look at, in order of tenant, source and epoch, each up to this head; all that the recording names when
   * absent. Epochs of one source belong together: an opening is held against the end of the epoch before, and a later
   * one tells what of an earlier one was dropped.
   */
  readonly heads?: readonly ChainHead[];
  /** Heads known from elsewhere (printed, witnessed, of an earlier look): a chain cut short or rewritten cannot meet them. */
  readonly knownHeads?: readonly ChainHead[];
  /**
   * Signed checkpoints kept from an earlier look, by a witness or on a shelf, and the keys that are trusted. Each must
   * be signed by one of these keys, and be met by the tree of its chain.
   */
  readonly checkpoints?: { readonly notes: readonly string[]; readonly trust: Pick<Trust, 'keys' | 'ed25519'> };
  /** Tiles of an earlier look: with them a difference from a checkpoint is traced to the very event. */
  readonly shelf?: Pick<TileShelf, 'size' | 'tile'>;
  /** Called after every 64 blocks and at the end of each chain; awaited. */
  readonly progress?: (progress: VerifyProgress) => void | Promise<void>;
}

export interface VerifyProgress {
  readonly chain: ChainId;
  readonly sequence: number;
  readonly ofSequence: number;
}

const PROGRESS_BLOCKS = 64;

/**
 * Checks a recording: every chain from its first byte, then the kernel run again over the same inputs. What the
 * recording holds never makes it throw: that stands in the report, located by chain and sequence (L2, L4).
 *
 * @throws StoreError when the store cannot be read, or not even say which chains it holds; NoteError when a checkpoint handed in is no checkpoint of a
 * chain of this format at all
 */
export async function verify(recording: Recording, options: VerifyOptions): Promise<VerifyReport> {
  const severed = (await recording.severed?.()) ?? [];
  const all = await recording.heads();
  const heads = options.heads ?? all;
  const chains: ChainReport[] = [];
  const signed = signedHeads(options);
  let epochs: ChainWalk[] = [];
  for (const [i, head] of heads.entries()) {
    const reach = severed.find((end) => sameChain(end, head))?.sequence ?? 0;
    const walk = new ChainWalk(head, { ...options, reach }, signed, epochs.at(-1) ?? null);
    await walk.run(recording);
    epochs.push(walk);
    if (sameSource(heads[i + 1], head)) continue;
    chains.push(...epochs.map((epoch) => epoch.report()));
    epochs = [];
  }
  // Of many looks at one recording, the one that begins with its first chain tells of chains that nobody looks at.
  const isFirst = all[0] === undefined || (heads[0] !== undefined && sameChain(heads[0], all[0]));
  for (const end of isFirst ? severed : []) {
    if (!all.some((head) => sameChain(head, end))) chains.push(missingChain(end, options.sha256));
  }
  for (const known of options.knownHeads ?? []) {
    if (!heads.some((head) => sameChain(head, known))) chains.push(missingChain(known, options.sha256));
  }
  for (const { chain, size } of signed) {
    if (chains.some((report) => sameChain(report, chain)) || size === 0) continue;
    chains.push(missingChain({ ...chain, sequence: size }, options.sha256));
  }
  return reportOf(chains, options.sha256);
}

/**
 * One report of many, each of which looked at other sources of one recording (`VerifyOptions.heads`): what a single look
 * at them all says.
 */
export function joinReports(reports: readonly VerifyReport[], sha256: Sha256): VerifyReport {
  const chains = reports.flatMap((report) => report.chains);
  // Chains that should be here and are not are told last.
  const place = ({ head }: ChainReport): number => (head.blocks > 0 ? 0 : 1);
  return reportOf(
    chains.sort((a, b) => place(a) - place(b) || byChain(a, b)),
    sha256,
  );
}

function reportOf(chains: readonly ChainReport[], sha256: Sha256): VerifyReport {
  const present = chains.filter((chain) => chain.head.blocks > 0).map((chain) => chain.head);
  const failures = chains.flatMap((chain) => chain.failures);
  return {
    ok: failures.length === 0,
    head: siteHead(present, sha256),
    chains,
    events: chains.reduce((sum, chain) => sum + chain.events, 0),
    wakes: chains.reduce((sum, chain) => sum + chain.wakes, 0),
    firstFailure: failures[0] ?? null,
  };
}

const sameSource = (a: ChainId | undefined, b: ChainId): boolean => a?.tenant === b.tenant && a.source === b.source;

const sameChain = (a: ChainId, b: ChainId): boolean =>
  a.tenant === b.tenant && a.source === b.source && a.epoch === b.epoch;

/** Reads the checkpoints handed in; a signature that does not hold is kept as what it is: a finding. */
function signedHeads({ checkpoints, sha256 }: VerifyOptions): readonly SignedHead[] {
  if (checkpoints === undefined) return [];
  const { notes, trust } = checkpoints;
  return notes.map((note) => {
    const { origin, size, root } = parseCheckpoint(note);
    const chain = chainOfOrigin(origin);
    if (chain === null) throw new NoteError(`${origin} is no chain of a recording`);
    try {
      openCheckpoint(note, { ...trust, sha256 });
      return { chain, size, root, distrust: null };
    } catch (error) {
      return { chain, size, root, distrust: (error as Error).message };
    }
  });
}

interface WalkOptions extends VerifyOptions {
  /** How far the chain is known to have reached, by what is left of it. */
  readonly reach: number;
}

/** One chain from its opening to its head. */
class ChainWalk {
  readonly #chain: ChainId;
  readonly #head: ChainHead;
  readonly #options: WalkOptions;
  readonly #epochBefore: ChainWalk | null;
  readonly #check: ChainCheck;
  readonly #tree: TreeCheck;
  readonly #stretches = new Stretches();
  readonly #failures: Failure[] = [];
  #known: ChainHead | null;
  #opening: Opening | null = null;
  #reexecution: Reexecution | null = null;
  #chainOnlyBecause: string | null = null;
  #events = 0;
  readonly #untold: UntoldStubs;

  constructor(head: ChainHead, options: WalkOptions, signed: readonly SignedHead[], epochBefore: ChainWalk | null) {
    const { tenant, source, epoch } = head;
    this.#chain = { tenant, source, epoch };
    this.#head = head;
    this.#options = options;
    this.#epochBefore = epochBefore;
    this.#untold = epochBefore === null ? new UntoldStubs() : epochBefore.#untold;
    this.#check = new ChainCheck(head, options.sha256);
    const mine = signed.filter(({ chain }) => sameChain(chain, head));
    this.#tree = new TreeCheck(this.#chain, mine, options.sha256, options.shelf ?? null);
    this.#known = options.knownHeads?.find((known) => sameChain(known, head)) ?? null;
  }

  async run(recording: Recording): Promise<void> {
    const check = this.#check;
    const { progress } = this.#options;
    const report = () => progress?.({ chain: this.#chain, sequence: check.sequence, ofSequence: this.#head.sequence });
    const salvage = new Salvage(recording, this.#chain, this.#head.sequence);
    for await (const block of salvage.blocks()) {
      const verdict = check.check(block);
      if (verdict.gap !== null) this.#damaged(unreadable(verdict.gap, salvage.takeFault()));
      if (verdict.extent !== null)
        this.#stretches.add(verdict.extent.fromSequence, verdict.extent.toSequence, 'failed');
      if (verdict.gap !== null || !verdict.ok) this.#tree.lose();
      if (verdict.ok && verdict.scan === null) this.#dropped(verdict.stub);
      else if (verdict.ok) {
        this.#envelopes(block.bytes, verdict.scan);
        for (const at of this.#tree.grow(block.bytes, verdict.scan)) {
          const { fromSequence, toSequence, what, ...sides } = await this.#tree.trace(at);
          this.#failures.push(check.failure('tree', fromSequence, toSequence, what, sides));
        }
      } else this.#damaged(verdict.failure);
      this.#meetKnownHead();
      if (check.blocks % PROGRESS_BLOCKS === 0) await report();
    }
    await this.#end(salvage.takeFault());
    await report();
  }

  /** Where the chain ends, by what was read of it. */
  #reached(): ChainHead {
    const { sequence, hash, atUs, blocks } = this.#check;
    return { ...this.#chain, sequence, hash, atUs, blocks };
  }

  /** What was found, when the later epochs of the source were read too. */
  report(): ChainReport {
    for (const stub of this.#untold.of(this.#chain.epoch)) {
      const to = stub.firstSequence + stubCount(stub) - 1;
      const what = 'these are said to have been dropped, and no gap of this source accounts for them';
      this.#failures.push(this.#check.failure('missing', stub.firstSequence, to, what));
    }
    return {
      ...this.#chain,
      role: this.#opening?.role ?? '',
      model: this.#opening?.model ?? '',
      head: this.#reached(),
      tree: this.#tree.head(),
      checkpointsMet: this.#tree.met,
      events: this.#events,
      wakes: this.#reexecution?.wakes ?? 0,
      reexecuted: this.#reexecution?.agreed ?? 0,
      stretches: this.#stretches.all,
      failures: this.#failures,
      chainOnlyBecause: this.#chainOnlyBecause,
    };
  }

  /** Where nothing is re-executed, nobody reads what events say: their place, their bytes and the tree are all. */
  #envelopes(bytes: Uint8Array, { firstSequence: first, from, to, laterOpening }: BlockScan): void {
    const count = from.length;
    const readAll = this.#reexecution !== null || laterOpening >= 0 || first === 1 || this.#untold.size > 0;
    if (readAll) {
      for (let i = 0; i < count; i++) this.#event(bytes.subarray(from[i], to[i]), first + i);
      return;
    }
    this.#events += count;
    this.#stretches.add(first, first + count - 1, 'chain-only');
  }

  #event(envelope: Uint8Array, sequence: number): void {
    this.#events++;
    try {
      const event = decodeEnvelope(envelope);
      if (sequence === 1) {
        if (!this.#open(event)) return;
      } else if (event.type === EVENT_TYPE.opening) {
        this.#fail('opening', sequence, 'a second opening: a new life of the writer is a new epoch');
        return;
      } else if (event.type === EVENT_TYPE.gap) {
        this.#untold.hear(decodeGap(event.data, this.#chain.epoch));
      } else if (this.#reexecution !== null) {
        const found = this.#reexecution.follow(event);
        if (found !== null) {
          this.#fail(found.kind, sequence, found.what, found);
          return;
        }
      }
      this.#stretches.add(sequence, sequence, this.#reexecution?.running === true ? 're-executed' : 'chain-only');
    } catch (error) {
      this.#fail('format', sequence, (error as Error).message);
    }
  }

  /** @returns false when the chain does not begin as it must */
  #open(event: RecordedEvent): boolean {
    if (event.type !== EVENT_TYPE.opening) {
      this.#fail('opening', 1, `the chain begins with ${event.type} instead of ${EVENT_TYPE.opening}`);
      return false;
    }
    const opening = decodeOpening(event);
    this.#opening = opening;
    if (!sameChain(opening, this.#chain)) {
      this.#fail('opening', 1, 'the opening is that of another chain');
      return false;
    }
    const before = this.#epochBefore === null ? null : this.#epochBefore.#reached();
    if (before !== null && opening.previousEpochHash.length > 0 && !sameBytes(before.hash, opening.previousEpochHash)) {
      const sides = { recorded: hexOfBytes(before.hash), expected: hexOfBytes(opening.previousEpochHash) };
      const what = `epoch ${before.epoch} does not end where this opening saw it end`;
      this.#failures.push(this.#check.failure('cut_short', 1, 1, what, sides));
    }
    const { reexecutors, sha256 } = this.#options;
    const reexecutor = Object.hasOwn(reexecutors, opening.model) ? reexecutors[opening.model] : undefined;
    if (reexecutor === undefined) {
      this.#chainOnlyBecause =
        opening.model === '' ? 'its writer has no model' : `model '${opening.model}' is not here`;
      return true;
    }
    try {
      this.#reexecution = new Reexecution(opening, reexecutor(opening), sha256);
    } catch (error) {
      if (!(error instanceof CannotReexecuteError)) throw error;
      this.#chainOnlyBecause = error.message;
    }
    return true;
  }

  /** Blocks were dropped here: whether they might be is for a later gap to say. */
  #dropped(stub: Stub): void {
    this.#untold.add(stub);
    this.#stretches.add(stub.firstSequence, stub.firstSequence + stubCount(stub) - 1, 'dropped');
    this.#tree.lose();
    this.#reexecution?.rest();
  }

  #fail(kind: FailureKind, sequence: number, what: string, sides?: Sides): void {
    this.#damaged(this.#check.failure(kind, sequence, sequence, what, sides));
  }

  #damaged(failure: Failure): void {
    this.#failures.push(failure);
    this.#stretches.add(failure.fromSequence, failure.toSequence, 'failed');
    this.#reexecution?.rest();
  }

  #meetKnownHead(): void {
    const known = this.#known;
    const { sequence, hash } = this.#check;
    if (known === null || sequence < known.sequence) return;
    this.#known = null;
    if (sequence === known.sequence && sameBytes(hash, known.hash)) return;
    const sides = { recorded: hexOfBytes(hash), expected: hexOfBytes(known.hash) };
    const what = 'the chain is not the one whose head is known: its history was rewritten';
    this.#failures.push(this.#check.failure('head', known.sequence, known.sequence, what, sides));
  }

  async #end(fault: string | null): Promise<void> {
    const { sequence } = this.#check;
    // What the last wakes led to cannot be compared with anything.
    if (this.#reexecution?.endsOpen === true) this.#stretches.reopen(sequence, 'chain-only');
    const owed = this.#reexecution?.end() ?? null;
    if (owed !== null) this.#failures.push(this.#check.failure(owed.kind, sequence, sequence, owed.what, owed));
    let end = sequence;
    if (this.#check.endOpen && this.#head.sequence > end) {
      this.#stretches.add(end + 1, this.#head.sequence, 'failed');
      end = this.#head.sequence;
    }
    for (const { size, distrust } of this.#tree.distrusted) {
      this.#failures.push(this.#check.failure('signature', size, size, distrust ?? ''));
    }
    const parted = await this.#tree.traceEnd();
    if (parted !== null) {
      const { fromSequence, toSequence, what } = parted;
      this.#failures.push(this.#check.failure('tree', fromSequence, toSequence, what));
    }
    const known = Math.max(this.#known?.sequence ?? 0, this.#options.reach);
    const reach = Math.max(known, this.#head.sequence, this.#tree.promised);
    if (end >= reach) return;
    this.#damaged(unreadable(this.#check.failure('cut_short', end + 1, reach, `the chain ends at ${end}`), fault));
  }
}

/** A hole that damage of the store made. */
const unreadable = (hole: Failure, fault: string | null): Failure =>
  fault === null ? hole : { ...hole, kind: 'unreadable', message: `${hole.message}: the store ${fault}` };

/** A chain whose head is known and of which nothing is left. */
function missingChain(known: ChainId & { readonly sequence: number }, sha256: Sha256): ChainReport {
  const check = new ChainCheck(known, sha256);
  const { tenant, source, epoch, sequence } = known;
  return {
    tenant,
    source,
    epoch,
    role: '',
    model: '',
    head: { tenant, source, epoch, sequence: 0, hash: check.hash, atUs: 0, blocks: 0 },
    tree: null,
    checkpointsMet: 0,
    events: 0,
    wakes: 0,
    reexecuted: 0,
    stretches: [{ fromSequence: 1, toSequence: sequence, result: 'failed' }],
    failures: [check.failure('cut_short', 1, sequence, 'the whole chain is gone')],
    chainOnlyBecause: null,
  };
}
