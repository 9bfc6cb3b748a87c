import { Menu } from '@base-ui/react/menu';
import type { ReactNode } from 'react';
import { useFrame } from '../frame-ui.ts';
import { COMMANDS } from '../keys/commands.ts';
import { keyCaps } from '../keys/keys.ts';
import { useMissionControl, useObservable } from '../mission-control.tsx';
import { Who } from './who.tsx';

const VIEW_COMMANDS = ['theme', 'density', 'reset-layout', 'wall', 'copy-link', 'keys', 'tour'] as const;

/** The two menus of the top bar. */
export function Menus() {
  return (
    <>
      <ViewMenu />
      <AccountMenu />
    </>
  );
}

/** How the page looks, and where help is. */
function ViewMenu() {
  const control = useMissionControl();
  const frame = useFrame();
  const listed = VIEW_COMMANDS.flatMap((id) => COMMANDS.find((command) => command.id === id) ?? []);
  return (
    <MenuBox label="View" testId="view-menu">
      {listed.map((command) => (
        <Menu.Item
          key={command.id}
          className="menu-item"
          onClick={() => command.run({ control, frame })}
          data-testid={`view-${command.id}`}
        >
          <span>{command.title}</span>
          {command.keys[0] === undefined ? null : <kbd>{keyCaps(command.keys[0]).join(' ')}</kbd>}
        </Menu.Item>
      ))}
    </MenuBox>
  );
}

/** Who is signed in, as what, and the way out. */
function AccountMenu() {
  const { me, signOut } = useMissionControl();
  const { email, role } = useObservable(me);
  return (
    <MenuBox label={<Who />} testId="account-menu">
      <p className="menu-words">
        {email}
        <br />
        <span className="quiet">{role === '' ? 'has no role: may look at nothing' : `signed in as ${role}`}</span>
      </p>
      <Menu.Item className="menu-item" onClick={signOut} data-testid="sign-out">
        Sign out
      </Menu.Item>
    </MenuBox>
  );
}

interface MenuBoxProps {
  readonly label: ReactNode;
  readonly testId: string;
  readonly children: ReactNode;
}

function MenuBox({ label, testId, children }: MenuBoxProps) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="menu-open" data-testid={testId}>
        {label}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-place" sideOffset={4} align="end">
          <Menu.Popup className="menu">{children}</Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
