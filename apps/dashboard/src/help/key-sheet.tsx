import { Dialog } from '@base-ui/react/dialog';
import { useFrame } from '../frame/frame-ui.ts';
import { COMMANDS } from '../frame/keys/commands.ts';
import { keyCaps } from '../frame/keys/keys.ts';

type Row = readonly [caps: readonly string[], what: string];

/** Keys that no command of the frame stands for: those of lists, of the map, and the stop. */
const OTHERS: readonly (readonly [group: string, rows: readonly Row[]])[] = [
  [
    'Act',
    [
      [['Shift', 'S'], 'Held: emergency stop of the whole site'],
      [['Space'], 'Held on a button that says “hold”: does it'],
    ],
  ],
  [
    'Lists',
    [
      [['/'], 'Filter'],
      [['J'], 'Next row'],
      [['K'], 'Row before'],
      [['Enter'], 'Select the row'],
    ],
  ],
  [
    'Map, when it has the focus',
    [
      [['↑'], 'Move; also ↓ ← →'],
      [['+'], 'Nearer; − farther'],
      [['0'], 'The whole site'],
    ],
  ],
];

/** Every key of the page. The pointer stays free for the stop control. */
export function KeySheet() {
  const { keySheet } = useFrame();
  const groups = new Map<string, Row[]>();
  for (const { group, title, keys } of COMMANDS) {
    const [key] = keys;
    if (key === undefined) continue;
    groups.set(group, [...(groups.get(group) ?? []), [keyCaps(key), title]]);
  }
  return (
    <Dialog.Root open modal="trap-focus" onOpenChange={keySheet.set}>
      <Dialog.Portal>
        <Dialog.Backdrop className="veil" />
        <Dialog.Popup className="key-sheet" data-testid="key-sheet">
          <header className="sheet-head">
            <Dialog.Title>Keys</Dialog.Title>
            <Dialog.Close className="plain">Close</Dialog.Close>
          </header>
          <div className="key-groups">
            {[...groups, ...OTHERS].map(([group, rows]) => (
              <section key={group}>
                <h3>{group}</h3>
                <dl>
                  {rows.map(([caps, what]) => (
                    <div key={what}>
                      <dt>
                        {caps.map((cap) => (
                          <kbd key={cap}>{cap}</kbd>
                        ))}
                      </dt>
                      <dd>{what}</dd>
                    </div>
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
