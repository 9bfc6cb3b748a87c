import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { useMay } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { ACCEPTED, bringFile } from './import-acts.ts';

interface DropFileProps {
  readonly className: string;
  readonly label: string;
  readonly testId: string;
  readonly children: ReactNode;
}

/** A page on which a file can be dropped, to be looked at beside what is recorded here. */
export function DropFile({ className, label, testId, children }: DropFileProps) {
  const control = useMissionControl();
  const may = useMay('operator', 'ever');
  const [over, setOver] = useState(false);
  // Leaving one part of the page for another one within it is no leaving.
  const depth = useRef(0);
  const holdsFile = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');
  const enter = (event: DragEvent, by: 1 | -1) => {
    if (!holdsFile(event)) return;
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  const drop = (event: DragEvent) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    const [file] = event.dataTransfer.files;
    if (file !== undefined && may.allowed) void bringFile(control, file);
  };
  return (
    <section
      className={`panel drop-file ${className}`}
      aria-label={label}
      data-testid={testId}
      data-over={over ? 'yes' : undefined}
      onDragEnter={(event) => enter(event, 1)}
      onDragLeave={(event) => enter(event, -1)}
      onDragOver={(event) => {
        if (holdsFile(event)) event.preventDefault();
      }}
      onDrop={drop}
    >
      {children}
      {over ? (
        <p className="drop-here-words" aria-hidden="true">
          {may.allowed ? 'Drop the file to look at it beside this site’s record' : may.reason}
        </p>
      ) : null}
    </section>
  );
}

/** The button that opens the browser's own choice of files. */
export function ChooseFile({ words }: { readonly words: string }) {
  const control = useMissionControl();
  const may = useMay('operator', 'ever');
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={ACCEPTED}
        hidden
        data-testid="import-file"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          event.target.value = '';
          if (file !== undefined) void bringFile(control, file);
        }}
      />
      <span className={may.allowed ? undefined : 'guarded'} title={may.allowed ? undefined : may.reason}>
        <button
          type="button"
          className="primary"
          disabled={!may.allowed}
          aria-description={may.allowed ? undefined : may.reason}
          onClick={() => input.current?.click()}
          data-testid="choose-import"
        >
          {words}
        </button>
      </span>
    </>
  );
}
