import { McapWriter } from '@mcap/core';

/** When the other program's clock said that it began: long before any site of a test. Microseconds since 1970. */
const FOREIGN_US = Date.UTC(2026, 2, 1, 12) * 1000;

/** Would run as a script wherever a name is put into a page as HTML. */
export const HOSTILE = '<img src=x onerror="window.hacked=1">';

/**
 * An MCAP file as a program writes it that has never heard of us: JSON with JSON schemas, ten readings a second for ten
 * seconds on `/gauge`, a place in a frame of its own, and a topic with a hostile name.
 */
export async function foreignMcap(): Promise<Buffer> {
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
  });
  await writer.start({ profile: '', library: 'another program' });
  const channelOf = async (topic: string, name: string): Promise<number> => {
    const schemaId = await writer.registerSchema({
      name,
      encoding: 'jsonschema',
      data: Buffer.from('{"type":"object"}'),
    });
    return writer.registerChannel({ topic, schemaId, messageEncoding: 'json', metadata: new Map() });
  };
  const [gauge, pose, hostile] = [
    await channelOf('/gauge', 'Reading'),
    await channelOf('/amr/pose', 'foxglove.PoseInFrame'),
    await channelOf(`/${HOSTILE}`, HOSTILE),
  ];
  const say = async (channelId: number, sequence: number, second: number, value: object): Promise<void> => {
    const logTime = (BigInt(FOREIGN_US) + BigInt(Math.round(second * 1e6))) * 1000n;
    const data = Buffer.from(JSON.stringify(value));
    await writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data });
  };
  for (let n = 0; n <= 100; n++) {
    await say(gauge, n, n / 10, { n, unit: 'bar' });
    await say(pose, n, n / 10, { frame_id: 'map', pose: { position: { x: n / 10, y: 2 }, orientation: { w: 1 } } });
  }
  await say(hostile, 0, 0, { [HOSTILE]: HOSTILE });
  await writer.end();
  return Buffer.concat(pieces);
}
