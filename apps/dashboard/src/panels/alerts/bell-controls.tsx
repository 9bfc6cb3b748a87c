import { useState } from 'react';
import { useObservable } from '../../frame/mission-control.tsx';
import type { AlertBell } from './alert-bell.ts';
import { permitted } from './browser-bell.ts';

/** Sound and notification for new warnings and criticals: off until turned on, remembered in this browser. */
export function BellControls({ bell }: { readonly bell: AlertBell }) {
  const choice = useObservable(bell.choice);
  const [refused, setRefused] = useState(permitted() === 'denied');
  const missing = permitted() === 'missing';
  const notify = async () => {
    if (choice.notice) return bell.choice.set({ ...choice, notice: false });
    const answer = await Notification.requestPermission();
    setRefused(answer === 'denied');
    bell.choice.set({ ...bell.choice.get(), notice: answer === 'granted' });
  };
  return (
    <>
      <button
        type="button"
        className="plain"
        aria-pressed={choice.sound}
        onClick={() => bell.choice.set({ ...choice, sound: !choice.sound })}
        title="A short sound for each new warning or critical alert"
        data-testid="bell-sound"
      >
        Sound
      </button>
      <button
        type="button"
        className="plain"
        aria-pressed={choice.notice}
        disabled={missing || refused}
        onClick={() => void notify()}
        title={
          missing
            ? 'This browser shows no notifications'
            : refused
              ? 'This browser refuses notifications of this page; allow them in its settings'
              : 'A notification of the browser for each new warning or critical alert'
        }
        data-testid="bell-notice"
      >
        Notify
      </button>
    </>
  );
}
