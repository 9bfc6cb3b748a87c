import { Code, ConnectError } from '@connectrpc/connect';
import { type Import, ImportService } from '@sigma/proto';
import type { MissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';

/** The hub's desk for imports: only these pages talk to it. */
export const importsOf = ({ hub }: Pick<MissionControl, 'hub'>) => hub.of(ImportService);
export type Imports = ReturnType<typeof importsOf>;

export const importPath = (id: string): string => `/imports/${encodeURIComponent(id)}`;

/** What files of these kinds are usually called; the hub looks at what stands in them. */
export const ACCEPTED = '.mcap,.jsonl,.ndjson,.json';

const MOST_NAME = 200;

/**
 * Brings a file to the hub piece by piece, and opens its page at once. Whatever page is open, it goes on; it ends when
 * somebody ends the import.
 */
export async function bringFile(control: MissionControl, file: File): Promise<void> {
  const imports = importsOf(control);
  const name = file.name.slice(0, MOST_NAME);
  await control.acts.run(
    `Import “${name}”`,
    [],
    async () => {
      const { import: begun, pieceBytes } = await imports.beginImport({ name, bytes: BigInt(file.size) });
      if (begun === undefined) throw new Error('the hub named no import');
      control.path.set(importPath(begun.id));
      await sendPieces(imports, begun, file, pieceBytes);
    },
    (): Outcome => ({ kind: 'done', detail: 'received; the hub reads it' }),
  );
}

const TRIES = 6;
const AGAIN_MS = 1_500;

/** A piece that is sent twice is taken once, so a hub that is out of reach for a moment is asked again. */
async function patiently<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      if (tries === TRIES || ConnectError.from(error).code !== Code.Unavailable) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

async function sendPieces(imports: Imports, { id: importId }: Import, file: File, pieceBytes: number): Promise<void> {
  for (let at = 0; at < file.size; at += pieceBytes) {
    const data = new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer());
    await patiently(() => imports.sendImportPiece({ importId, offset: BigInt(at), data }));
  }
}

export function removeImport(control: MissionControl, { id: importId, name, state }: Import): Promise<unknown> {
  const act = () => importsOf(control).removeImport({ importId });
  const title = state === 'done' ? `Delete the import “${name}”` : `End the import of “${name}”`;
  return control.acts.run(title, [], act, () => ({ kind: 'done', detail: state === 'done' ? 'deleted' : 'ended' }));
}
