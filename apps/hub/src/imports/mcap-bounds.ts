import { type FileHandle, open } from 'node:fs/promises';
import { type ImportBounds, RefusedFileError } from './import-jobs.ts';

/** Opcodes of mcap.dev/spec, "Records". */
const CHUNK = 0x06;
const CHUNK_INDEX = 0x08;
const MAGIC_BYTES = 8;
/** Opcode, and the length of what follows as 64 bits. */
const RECORD_HEAD = 9;
/** Of a chunk: two times, and then what it unpacks to. Of its index: two times, and then where the chunk begins. */
const LOOK_BYTES = 24;
const THIRD_FIELD = 16;

/**
 * Looks at the records of an MCAP file without unpacking one, for what they claim that unpacking would take: few bytes may
 * stand for very many, and an index may name one chunk very often. A file that is cut short is looked at up to there.
 *
 * @throws RefusedFileError with the place of what is out of bounds; an error of the file
 */
export async function boundMcap(path: string, bounds: Pick<ImportBounds, 'chunkBytes' | 'unpackedBytes'>) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const named = new Set<bigint>();
    let unpacked = 0;
    for await (const { at, opcode, third } of recordsOf(file, size)) {
      if (opcode === CHUNK) {
        if (third > BigInt(bounds.chunkBytes))
          throw new RefusedFileError(
            `its chunk at byte ${at} says that it unpacks to ${third} bytes; ${bounds.chunkBytes} are the most`,
          );
        unpacked += Number(third);
        if (unpacked > bounds.unpackedBytes)
          throw new RefusedFileError(
            `its chunks up to byte ${at} unpack to more than ${bounds.unpackedBytes} bytes; give it in parts`,
          );
      } else if (opcode === CHUNK_INDEX) {
        if (named.has(third)) throw new RefusedFileError(`its index names the chunk at byte ${third} twice`);
        named.add(third);
      }
    }
  } finally {
    await file.close();
  }
}

interface RecordHead {
  readonly at: number;
  readonly opcode: number;
  /** The third field of chunks and of their indexes; 0 for others. */
  readonly third: bigint;
}

async function* recordsOf(file: FileHandle, size: number): AsyncGenerator<RecordHead> {
  const head = Buffer.alloc(RECORD_HEAD + LOOK_BYTES);
  for (let at = MAGIC_BYTES; at + RECORD_HEAD <= size; ) {
    const { bytesRead } = await file.read(head, 0, head.length, at);
    if (bytesRead < RECORD_HEAD) return;
    const opcode = head.readUInt8(0);
    const length = head.readBigUInt64LE(1);
    const looks = (opcode === CHUNK || opcode === CHUNK_INDEX) && bytesRead === head.length;
    yield { at, opcode, third: looks ? head.readBigUInt64LE(RECORD_HEAD + THIRD_FIELD) : 0n };
    if (length > BigInt(size)) return;
    at += RECORD_HEAD + Number(length);
  }
}
