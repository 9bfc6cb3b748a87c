import { Popover } from '@base-ui/react/popover';
import { type FormEvent, useState } from 'react';
import { localTime } from '../../words/quantities.ts';
import { useFrame } from '../frame-ui.ts';
import { bookmarkHere } from '../keys/commands.ts';
import { useMissionControl, useObservable } from '../mission-control.tsx';
import { parseSelection } from '../place/selection.ts';
import { bookmarksWords } from './bookmarks.ts';

/** Moments with names: a new one, and the way back to those there are. */
export function BookmarkMenu() {
  const control = useMissionControl();
  const frame = useFrame();
  const all = useObservable(frame.bookmarks.all);
  const naming = useObservable(frame.naming);
  const [name, setName] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === '') return;
    bookmarkHere({ control, frame }, name.trim());
    setName('');
    frame.naming.set(false);
  };
  return (
    <Popover.Root open={naming} onOpenChange={frame.naming.set}>
      <Popover.Trigger className="menu-open" title="Bookmarks (B)" data-testid="bookmarks">
        {bookmarksWords(all.length)}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className="menu-place" sideOffset={6} side="top" align="end">
          <Popover.Popup className="menu bookmarks" aria-label="Bookmarks">
            <form onSubmit={submit} className="bookmark-form">
              <label>
                Name of this moment
                <input
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                  maxLength={80}
                  data-testid="bookmark-name"
                />
              </label>
              <button type="submit" className="primary" disabled={name.trim() === ''}>
                Keep
              </button>
            </form>
            {all.length === 0 ? (
              <p className="quiet">No moment is bookmarked yet. They stay with this browser.</p>
            ) : null}
            <ul>
              {all.map((bookmark) => (
                <li key={bookmark.name}>
                  <button
                    type="button"
                    className="menu-item"
                    onClick={() => {
                      control.named.set(bookmark);
                      control.clock.seek(bookmark.atUs);
                      control.selection.set(parseSelection(bookmark.select));
                      frame.naming.set(false);
                    }}
                    data-testid="bookmark"
                  >
                    <bdi>{bookmark.name}</bdi>{' '}
                    <span className="quiet mono">
                      {new Date(bookmark.atUs / 1_000).toLocaleDateString('en-CA')} {localTime(BigInt(bookmark.atUs))}
                    </span>
                  </button>
                  <button
                    type="button"
                    className="plain"
                    aria-label={`Remove the bookmark ${bookmark.name}`}
                    onClick={() => frame.bookmarks.remove(bookmark.name)}
                  >
                    ×
                  </button>
                </li>
              ))}
            </ul>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
