import { Code, ConnectError } from '@connectrpc/connect';
import type { ReadStretchesRequest, Stretch } from '@sigma/proto';
import {
  type ChainHead,
  decodeBlock,
  decodeEnvelope,
  MalformedBytesError,
  NewerFormatError,
  type Recording,
} from '@sigma/recorder';

const MOST_STRETCHES = 10_000;
/** A message is sent as soon as its blocks reach this. */
const MESSAGE_BYTES = 256 * 1024;

interface StretchMessage {
  readonly source: string;
  readonly epoch: number;
  readonly blocks: { readonly block: Uint8Array; readonly hash: Uint8Array }[];
}

/**
 * The stretches asked for, one after another, in messages of about 256 kB that never mix chains. `heads` are the chains
 * that the caller may read; all stretches are looked up before the first message goes.
 *
 * @throws ConnectError not_found, invalid_argument
 */
export async function* readStretches(
  recording: Pick<Recording, 'blocks'>,
  heads: readonly ChainHead[],
  { stretches }: ReadStretchesRequest,
  signal: AbortSignal,
): AsyncGenerator<StretchMessage> {
  if (stretches.length > MOST_STRETCHES)
    throw new ConnectError(`stretches are at most ${MOST_STRETCHES}`, Code.InvalidArgument);
  const known = new Map(heads.map((head) => [placeOf(head), head]));
  const found = stretches.map((stretch) => ({ stretch, head: headOf(known, stretch) }));
  for (const { stretch, head } of found) yield* messagesOf(recording, head, stretch, signal);
}

const placeOf = ({ source, epoch }: { readonly source: string; readonly epoch: number }): string =>
  `${source}\n${epoch}`;

function headOf(known: ReadonlyMap<string, ChainHead>, stretch: Stretch): ChainHead {
  const head = known.get(placeOf(stretch));
  if (head !== undefined) return head;
  const { source, epoch } = stretch;
  throw new ConnectError(`nothing is recorded of '${source.slice(0, 63)}' in epoch ${epoch}`, Code.NotFound);
}

async function* messagesOf(
  recording: Pick<Recording, 'blocks'>,
  head: ChainHead,
  { fromSequence, toSequence, untilAtUs }: Stretch,
  signal: AbortSignal,
): AsyncGenerator<StretchMessage> {
  const { source, epoch } = head;
  const to = toSequence === 0n ? head.sequence : Number(toSequence);
  const untilUs = untilAtUs === undefined ? Number.POSITIVE_INFINITY : Number(untilAtUs);
  let blocks: StretchMessage['blocks'] = [];
  let size = 0;
  for await (const { bytes, hash } of recording.blocks(head, Math.max(1, Number(fromSequence)), to)) {
    if (signal.aborted) return;
    blocks.push({ block: bytes, hash });
    size += bytes.length;
    if (beginsAfter(bytes, untilUs)) break;
    if (size < MESSAGE_BYTES) continue;
    yield { source, epoch, blocks };
    blocks = [];
    size = 0;
  }
  if (blocks.length > 0) yield { source, epoch, blocks };
}

/** False of a block that cannot be read here: it goes out as it is stored, for its reader to judge. */
function beginsAfter(block: Uint8Array, untilUs: number): boolean {
  if (untilUs === Number.POSITIVE_INFINITY) return false;
  try {
    const [first] = decodeBlock(block).events;
    return first !== undefined && decodeEnvelope(first).atUs > untilUs;
  } catch (error) {
    if (error instanceof MalformedBytesError || error instanceof NewerFormatError) return false;
    throw error;
  }
}
