// An edge's witness that is killed when it has stored what it saw and has not answered:
// `node witness-child.ts FOLDER HUB_KEY_HEX CHECKPOINT_BASE64`.

import { EdgeWitness } from '../src/witness/edge-witness.ts';
import { keptHeadKey, openWitnessMemory } from '../src/witness/witness-memory.ts';

const [folder = '', hubKey = '', checkpoint = ''] = process.argv.slice(2);
const witness = new EdgeWitness({
  tenant: 'acme',
  edgeId: 'e1',
  folder,
  recordingPath: 'edge.sqlite',
  key: keptHeadKey(folder),
  memory: openWitnessMemory(folder),
  book: {
    heads: async () => [],
    consistency: async () => [],
    keptSize: async () => 0,
    keep: async () => undefined,
  },
  say: () => process.kill(process.pid, 'SIGKILL'),
  note: () => undefined,
  nowS: () => 1_700_000_000,
});
await witness.linked(new Uint8Array(Buffer.from(hubKey, 'hex')));
const note = Buffer.from(checkpoint, 'base64').toString('utf8');
witness.hear({ type: 'offered', offer: { checkpoint: note, fromSize: 0, consistency: [] } });
