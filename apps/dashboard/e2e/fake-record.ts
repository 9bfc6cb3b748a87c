import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Mark, type MarkSchema, type OnTheWaySchema, RecordService, type Stretch } from '@sigma/proto';
import {
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  encodeProofFile,
  formatNoteKey,
  logKey,
  proveEvent,
  type Recording,
  type SealedBlock,
} from '@sigma/recorder';
import { freshKey } from './signing.ts';

type MarkInit = MessageInitShape<typeof MarkSchema>;

type AskedStretch = Pick<Stretch, 'source' | 'epoch' | 'fromSequence' | 'toSequence' | 'untilAtUs'>;

/** Recorded chains and marks as the hub serves them; counts what was read, and can be slow or away. */
export class FakeRecord {
  blocks: SealedBlock[] = [];
  marks: MarkInit[] = [];
  /** Lives of which something is still on its way. */
  onTheWay: MessageInitShape<typeof OnTheWaySchema>[] = [];
  reads = 0;
  locates = 0;
  bytesRead = 0;
  /** Every answer waits this long, as over a long line. */
  delayMs = 0;
  readonly #key = freshKey();

  routes(router: ConnectRouter): void {
    router.service(RecordService, {
      listChains: () => this.#chains(),
      readBlocks: (request) =>
        this.read(request.source, request.epoch, Number(request.fromSequence), Number(request.toSequence)),
      readStretches: ({ stretches }) => this.readStretches(stretches),
      locateMoment: async ({ timeUs }) => {
        await this.#wait();
        return this.locate(Number(timeUs));
      },
      listMarks: ({ fromTimeUs, toTimeUs, kinds, agentId, limit, newestFirst }) => {
        const found = this.marks.filter((mark) => {
          const at = mark.timeUs ?? 0n;
          const wanted = kinds.length === 0 ? mark.kind !== 'decision' : kinds.includes(mark.kind ?? '');
          return at >= fromTimeUs && at <= toTimeUs && wanted && (agentId === '' || mark.agentId === agentId);
        });
        const sorted = found.toSorted((a, b) => Number((a.timeUs ?? 0n) - (b.timeUs ?? 0n)));
        if (newestFirst) sorted.reverse();
        const most = limit || 1_000;
        return { marks: sorted.slice(0, most), more: sorted.length > most, onTheWay: this.onTheWay };
      },
      proveEvent: ({ source, epoch, sequence }) => this.prove(source, epoch, Number(sequence)),
    });
  }

  /** As the hub proves it, with a key of its own. */
  async prove(source: string, epoch: number, sequence: number): Promise<{ proof: Uint8Array; key: string }> {
    const blocks = this.#bySource().get(source) ?? [];
    const last = blocks.at(-1);
    if (last === undefined) throw new ConnectError(`nothing is recorded of ${source}`, Code.NotFound);
    const chain = { tenant: last.tenant, source, epoch };
    const head = { ...last, sequence: last.firstSequence + last.count - 1, atUs: last.lastAtUs, blocks: blocks.length };
    const recording: Recording = {
      heads: async () => [head],
      blocks: async function* (_, from, to) {
        for (const block of blocks) {
          if (block.firstSequence <= to && block.firstSequence + block.count > from) yield block;
        }
      },
      snapshotBefore: async () => null,
      close: async () => {},
    };
    const proved = await proveEvent(recording, chain, sequence, { key: this.#key }, sha256);
    return { proof: encodeProofFile(proved), key: formatNoteKey(logKey(chain, this.#key.publicKey), sha256) };
  }

  mark(timeUs: number, kind: string, rest: Partial<Mark> = {}): void {
    this.marks.push({ ...rest, timeUs: BigInt(Math.round(timeUs)), kind } as MarkInit);
  }

  #bySource(): Map<string, SealedBlock[]> {
    const found = new Map<string, SealedBlock[]>();
    for (const block of this.blocks) {
      const blocks = found.get(block.source);
      if (blocks === undefined) found.set(block.source, [block]);
      else blocks.push(block);
    }
    return found;
  }

  #chains() {
    const heads = [...this.#bySource().values()].map((blocks) => {
      const { tenant, source, epoch, hash, firstSequence, count, lastAtUs } = blocks.at(-1) as SealedBlock;
      const sequence = BigInt(firstSequence + count - 1);
      return { tenant, source, epoch, sequence, hash, atUs: BigInt(lastAtUs), blocks: BigInt(blocks.length) };
    });
    return { heads, path: heads.length === 0 ? '' : 'memory' };
  }

  /** As LocateMoment answers. */
  locate(timeUs: number) {
    this.locates++;
    let fromTimeUs = Number.POSITIVE_INFINITY;
    let toTimeUs = 0;
    const chains = [];
    for (const [source, blocks] of this.#bySource()) {
      const [first] = blocks;
      const last = blocks.at(-1);
      const opening = decodeOpening(decodeEnvelope(decodeBlock((first as SealedBlock).bytes).events[0] as Uint8Array));
      const epochTimeUs = opening.timeUs - opening.atUs;
      fromTimeUs = Math.min(fromTimeUs, epochTimeUs);
      toTimeUs = Math.max(toTimeUs, epochTimeUs + (last?.lastAtUs ?? 0));
      const atUs = timeUs - epochTimeUs;
      if (atUs < 0) continue;
      const from = blocks.findLast(({ snapshots }) => snapshots.some((one) => one.atUs <= atUs));
      const to = blocks.find(({ lastAtUs }) => lastAtUs >= atUs) ?? last;
      chains.push({
        source,
        epoch: opening.epoch,
        fromSequence: BigInt(from?.firstSequence ?? 1),
        toSequence: BigInt((to?.firstSequence ?? 1) + (to?.count ?? 1) - 1),
        epochTimeUs: BigInt(epochTimeUs),
        model: opening.model,
        role: opening.role,
      });
    }
    const from = Number.isFinite(fromTimeUs) ? fromTimeUs : 0;
    return { chains, fromTimeUs: BigInt(from), toTimeUs: BigInt(toTimeUs) };
  }

  /** As ReadBlocks answers. */
  async *read(source: string, epoch: number, fromSequence: number, toSequence: number) {
    this.reads++;
    await this.#wait();
    const to = toSequence === 0 ? Number.MAX_SAFE_INTEGER : toSequence;
    for (const block of this.blocks) {
      if (source !== '' && (block.source !== source || block.epoch !== epoch)) continue;
      const { firstSequence, count, bytes, hash } = block;
      if (firstSequence + count - 1 < fromSequence || firstSequence > to) continue;
      this.bytesRead += bytes.length;
      yield { block: bytes, hash };
    }
  }

  /** As ReadStretches answers, a message for each stretch. */
  async *readStretches(stretches: readonly AskedStretch[]) {
    this.reads++;
    await this.#wait();
    const bySource = this.#bySource();
    for (const { source, epoch, fromSequence, toSequence, untilAtUs } of stretches) {
      const blocks = [];
      let reachedUs = Number.NEGATIVE_INFINITY;
      for (const { epoch: of, firstSequence, count, bytes, hash, lastAtUs } of bySource.get(source) ?? []) {
        if (of !== epoch || firstSequence + count - 1 < fromSequence || firstSequence > toSequence) continue;
        blocks.push({ block: bytes, hash });
        this.bytesRead += bytes.length;
        if (untilAtUs !== undefined && reachedUs > untilAtUs) break;
        reachedUs = lastAtUs;
      }
      if (blocks.length > 0) yield { source, epoch, blocks };
    }
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => (this.delayMs === 0 ? resolve() : setTimeout(resolve, this.delayMs)));
  }
}
