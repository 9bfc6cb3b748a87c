import { useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { explain } from '../../live/hub.ts';
import type { Evidence } from './evidence/evidence-words.ts';

type Handed =
  | { readonly kind: 'not yet' }
  | { readonly kind: 'working' }
  | { readonly kind: 'done'; readonly file: string; readonly bytes: number; readonly check: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** The event with what proves it, as a small file for somebody who gets nothing else of the recording. */
export function HandOver({ place: { source, epoch, event } }: { readonly place: Evidence['place'] }) {
  const { hub } = useMissionControl();
  const [handed, setHanded] = useState<Handed>({ kind: 'not yet' });

  const make = async () => {
    setHanded({ kind: 'working' });
    try {
      const { proof, key } = await hub.record.proveEvent({ source, epoch, sequence: BigInt(event) });
      const file = `${source.replace(/[^\w.-]/g, '_')}-${epoch}-${event}.proof`;
      save(file, proof);
      const check = `npx sigma verify --proof ${file} --key '${key}'`;
      setHanded({ kind: 'done', file, bytes: proof.length, check });
    } catch (error) {
      setHanded({ kind: 'failed', reason: explain(error) });
    }
  };

  return (
    <div className="hand-over">
      <button
        type="button"
        onClick={() => void make()}
        disabled={handed.kind === 'working'}
        title="A file with this event and its way to the signed head; whoever gets it needs no hub to check it"
        data-testid="hand-over"
      >
        {handed.kind === 'working' ? 'Making the proof…' : 'Hand over the proof'}
      </button>
      {handed.kind === 'done' ? (
        <div role="status" data-testid="handed-over">
          <p>
            <bdi className="mono">{handed.file}</bdi> is saved, {handed.bytes.toLocaleString('en')} bytes. Whoever
            trusts this hub’s key checks it anywhere, without the hub:
          </p>
          <code className="hand-over-check">{handed.check}</code>
        </div>
      ) : null}
      {handed.kind === 'failed' ? (
        <p className="level-advisory" role="alert">
          No proof was made: {handed.reason}
        </p>
      ) : null}
    </div>
  );
}

function save(name: string, bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([bytes.slice()], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
