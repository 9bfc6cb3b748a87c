import { McapWriter } from '@mcap/core';

/** One topic of a file, and what was said in it: seconds, and a value that becomes JSON, or bytes. */
export interface ForeignTopic {
  readonly topic: string;
  readonly schema: string;
  /** Default json. */
  readonly encoding?: string;
  readonly said: readonly (readonly [second: number, value: unknown])[];
}

/** When those files begin: 2026-03-01 12:00 UTC, microseconds since 1970. */
export const FOREIGN_US = Date.UTC(2026, 2, 1, 12) * 1000;

/** An MCAP file as another program writes it: JSON with a JSON schema, in chunks. */
export async function foreignMcap(topics: readonly ForeignTopic[], chunkSize = 1_000): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let at = 0n;
  const writer = new McapWriter({
    writable: {
      write: async (bytes) => {
        pieces.push(bytes.slice());
        at += BigInt(bytes.length);
      },
      position: () => at,
    },
    chunkSize,
  });
  await writer.start({ profile: '', library: 'another' });
  for (const { topic, schema, encoding = 'json', said } of topics) {
    const known = { name: schema, encoding: 'jsonschema', data: Buffer.from('{"type":"object"}') };
    const schemaId = schema === '' ? 0 : await writer.registerSchema(known);
    const channelId = await writer.registerChannel({ topic, schemaId, messageEncoding: encoding, metadata: new Map() });
    for (const [k, [second, value]] of said.entries()) {
      const logTime = (BigInt(FOREIGN_US) + BigInt(Math.round(second * 1e6))) * 1000n;
      const data = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value));
      await writer.addMessage({ channelId, sequence: k, logTime, publishTime: logTime, data });
    }
  }
  await writer.end();
  return Buffer.concat(pieces);
}
