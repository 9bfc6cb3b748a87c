import { useEffect, useRef, useState } from 'react';
import { LOOKS } from './fleet-columns.ts';

interface ColumnChoiceProps {
  readonly shown: Readonly<Record<string, boolean>>;
  readonly onChange: (shown: Readonly<Record<string, boolean>>) => void;
}

/** Which columns a list shows. The robot's name always stays. */
export function ColumnChoice({ shown, onChange }: ColumnChoiceProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const away = (event: PointerEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    const leave = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      setOpen(false);
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener('pointerdown', away);
    window.addEventListener('keydown', leave, { capture: true });
    return () => {
      window.removeEventListener('pointerdown', away);
      window.removeEventListener('keydown', leave, { capture: true });
    };
  }, [open]);
  return (
    <div className="column-choice" ref={box}>
      <button
        type="button"
        className="plain"
        aria-expanded={open}
        aria-haspopup="true"
        onClick={() => setOpen(!open)}
        title="Choose the columns"
        data-testid="fleet-columns"
      >
        Columns
      </button>
      {open ? (
        <fieldset className="popover" aria-label="Columns">
          {Object.entries(LOOKS).map(([id, { title, about }]) => (
            <label key={id} title={about}>
              <input
                type="checkbox"
                checked={shown[id] !== false}
                disabled={id === 'robot'}
                onChange={(event) => onChange({ ...shown, [id]: event.target.checked })}
                data-testid={`fleet-column-${id}`}
              />
              {title}
            </label>
          ))}
        </fieldset>
      ) : null}
    </div>
  );
}
