import { useEffect, useRef } from 'react';
import { HOLD_MS, HoldButton } from '../../parts/hold-button.tsx';
import { plural } from '../../words/quantities.ts';
import { useMay } from '../access/guarded.tsx';
import { useMissionControl, useTick } from '../mission-control.tsx';
import { stopAgents } from '../operations.ts';

/**
 * Stops the site as it is now, whatever moment or page is shown. Always in this corner; also under Shift and S, held,
 * from anywhere but a text field.
 */
export function SiteStop() {
  const control = useMissionControl();
  const may = useMay('operator', 'ever');
  useTick(1_000);
  const count = control.now.ids.length;
  const stop = useRef(() => {});
  stop.current = () => {
    if (may.allowed) void stopAgents(control, [], 'emergency');
  };

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const release = () => {
      clearTimeout(timer);
      timer = undefined;
      document.documentElement.removeAttribute('data-stopping');
    };
    const down = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
      if (typing || event.repeat || !event.shiftKey || event.code !== 'KeyS' || timer !== undefined) return;
      document.documentElement.setAttribute('data-stopping', '');
      timer = setTimeout(() => {
        release();
        stop.current();
      }, HOLD_MS);
    };
    window.addEventListener('keydown', down);
    window.addEventListener('keyup', release);
    window.addEventListener('blur', release);
    return () => {
      release();
      window.removeEventListener('keydown', down);
      window.removeEventListener('keyup', release);
      window.removeEventListener('blur', release);
    };
  }, []);

  const consequence = may.allowed
    ? `Emergency stop of all ${plural(count, 'robot')}, now. Each must be acknowledged and reset before it moves again. Keys: Shift and S.`
    : may.reason;
  return (
    <HoldButton
      className="site-stop"
      onHeld={() => stop.current()}
      consequence={consequence}
      testId="site-stop"
      disabled={!may.allowed}
    >
      <span className="site-stop-word">STOP SITE</span>
      <span className="site-stop-whom">
        {may.allowed
          ? `hold · ${count === 0 ? 'no robot here' : `all ${plural(count, 'robot')}`}`
          : 'needs the role operator'}
      </span>
    </HoldButton>
  );
}
