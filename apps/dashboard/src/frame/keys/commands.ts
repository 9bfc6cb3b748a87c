import { markWords } from '../../words/mark-words.ts';
import type { FrameUi } from '../frame-ui.ts';
import type { MissionControl } from '../mission-control.tsx';
import { linkTo } from '../place/address.ts';
import { levelUp, selectionText } from '../place/selection.ts';

export interface CommandContext {
  readonly control: MissionControl;
  readonly frame: FrameUi;
}

/** Something a person can ask of the page by key or by name; the palette and the sheet of keys read this list. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: 'Time' | 'View' | 'Help';
  /** As `keyText` says it. */
  readonly keys: readonly string[];
  /** Not in the palette: it means nothing without the key. */
  readonly keyOnly?: boolean;
  readonly run: (context: CommandContext) => void;
}

export const COMMANDS: readonly Command[] = [
  {
    id: 'live',
    title: 'Go back to live',
    group: 'Time',
    keys: ['l'],
    run: ({ control }) => control.clock.goLive(),
  },
  {
    id: 'toggle',
    title: 'Hold this moment, or play on',
    group: 'Time',
    keys: ['Space'],
    run: ({ control }) => control.clock.toggle(),
  },
  step('decision', false, 'Previous decision', ','),
  step('decision', true, 'Next decision', '.'),
  step('trouble', false, 'Previous violation, failsafe or stop', 'Shift+,'),
  step('trouble', true, 'Next violation, failsafe or stop', 'Shift+.'),
  nudge(-1, 'Back one second', '['),
  nudge(1, 'On one second', ']'),
  nudge(-10, 'Back ten seconds', '{'),
  nudge(10, 'On ten seconds', '}'),
  {
    id: 'faster',
    title: 'Play faster',
    group: 'Time',
    keys: ['Shift+ArrowUp'],
    run: ({ control }) => control.clock.shiftSpeed(1),
  },
  {
    id: 'slower',
    title: 'Play slower',
    group: 'Time',
    keys: ['Shift+ArrowDown'],
    run: ({ control }) => control.clock.shiftSpeed(-1),
  },
  {
    id: 'bookmark',
    title: 'Bookmark this moment',
    group: 'Time',
    keys: ['b'],
    run: ({ frame }) => frame.naming.set(true),
  },
  {
    id: 'split',
    title: 'Past and present side by side',
    group: 'Time',
    keys: ['Shift+c'],
    run: ({ control }) => {
      control.split.set(!control.split.get());
      if (control.split.get() && control.time.get().kind === 'live') control.clock.toggle();
    },
  },
  {
    id: 'fork',
    title: 'Fork from this moment',
    group: 'Time',
    keys: ['Shift+f'],
    run: ({ control }) => {
      if (control.time.get().kind === 'live') control.clock.toggle();
      control.path.set('/forks');
    },
  },
  {
    id: 'palette',
    title: 'Find anything',
    group: 'View',
    keys: ['Mod+k'],
    keyOnly: true,
    run: ({ frame }) => frame.palette.set(true),
  },
  {
    id: 'up',
    title: 'One level up; close',
    group: 'View',
    keys: ['Escape'],
    keyOnly: true,
    run: ({ control }) => {
      const chosen = control.selection.get();
      if (chosen !== null) control.selection.set(levelUp(chosen));
      else if (control.path.get() !== '/') control.path.set('/');
    },
  },
  { id: 'copy-link', title: 'Copy a link to this', group: 'View', keys: ['y'], run: copyLink },
  {
    id: 'theme',
    title: 'Dark or light',
    group: 'View',
    keys: ['Shift+t'],
    run: ({ control }) => control.theme.set(control.theme.get() === 'dark' ? 'light' : 'dark'),
  },
  {
    id: 'density',
    title: 'Compact or comfortable',
    group: 'View',
    keys: ['Shift+d'],
    run: ({ frame }) => frame.density.set(frame.density.get() === 'compact' ? 'comfortable' : 'compact'),
  },
  {
    id: 'reset-layout',
    title: 'Put all panels back in their places',
    group: 'View',
    keys: [],
    run: ({ frame }) => frame.resets.set(frame.resets.get() + 1),
  },
  {
    id: 'wall',
    title: 'Wall: to be read from three metres',
    group: 'View',
    keys: [],
    run: ({ frame }) => {
      const query = new URLSearchParams(location.search);
      if (frame.wall) query.delete('wall');
      else query.set('wall', '');
      location.search = query.toString();
    },
  },
  {
    id: 'keys',
    title: 'All keys',
    group: 'Help',
    keys: ['?'],
    run: ({ frame }) => frame.keySheet.set(true),
  },
  {
    id: 'tour',
    title: 'Show me around, in a minute',
    group: 'Help',
    keys: [],
    run: ({ frame }) => frame.tour.set(0),
  },
];

function step(kind: 'decision' | 'trouble', onward: boolean, title: string, key: string): Command {
  const run = async ({ control, frame }: CommandContext) => {
    const { clock, selection } = control;
    try {
      const mark = await clock.step(kind, onward);
      if (mark === null) {
        frame.notice.set(`${onward ? 'None after' : 'None before'} this moment`);
        return;
      }
      frame.notice.set(markWords(mark));
      if (mark.decisionSequence > 0n) {
        const { agentId, decisionEpoch: epoch, decisionSequence: sequence } = mark;
        selection.set({ kind: 'decision', agentId, epoch, sequence });
      } else if (mark.agentId !== '') selection.set({ kind: 'robot', id: mark.agentId });
    } catch {
      frame.notice.set('The hub did not say what came next; it is out of reach');
    }
  };
  return {
    id: `${onward ? 'next' : 'previous'}-${kind}`,
    title,
    group: 'Time',
    keys: [key],
    run: (context) => void run(context),
  };
}

function nudge(seconds: number, title: string, key: string): Command {
  return {
    id: `nudge${seconds}`,
    title,
    group: 'Time',
    keys: [key],
    run: ({ control }) => control.clock.nudge(seconds),
  };
}

function copyLink({ control, frame }: CommandContext): void {
  const link = linkTo(control, location);
  const told = () => frame.notice.set('Link copied: place, selection and moment');
  const failed = () => frame.notice.set(`This browser does not let the page copy. ${link}`);
  if (navigator.clipboard === undefined) failed();
  else navigator.clipboard.writeText(link).then(told, failed);
}

/** Puts a name on the moment that is shown. */
export function bookmarkHere({ control, frame }: CommandContext, name: string): void {
  const chosen = control.selection.get();
  const select = chosen === null ? '' : selectionText(chosen);
  const atUs = Math.round(control.clock.atUs);
  frame.bookmarks.put({ name, atUs, select });
  control.named.set({ name, atUs });
  frame.notice.set(`Bookmarked as “${name}”`);
}
