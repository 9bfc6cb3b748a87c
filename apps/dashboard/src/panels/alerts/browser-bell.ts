import { useMemo } from 'react';
import { type MissionControl, useMissionControl } from '../../frame/mission-control.tsx';
import type { LiveSite } from '../../live/live-site.ts';
import { AlertBell, type BellChoice } from './alert-bell.ts';

const KEY = 'sigma.alert-bell';

/** Storage may be barred; then nothing is remembered, and both are off. */
function remembered(): BellChoice {
  try {
    const read = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<BellChoice>;
    return { sound: read.sound === true, notice: read.notice === true && permitted() === 'granted' };
  } catch {
    return { sound: false, notice: false };
  }
}

function remember(choice: BellChoice): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice));
  } catch {
    return;
  }
}

/** Whether this browser lets the page notify: asked for by a click only. */
export const permitted = (): NotificationPermission | 'missing' =>
  typeof Notification === 'undefined' ? 'missing' : Notification.permission;

/** Two short tones for a warning, three rising ones for a critical alert; no file, no network. */
function ring(audio: AudioContext, level: 'warning' | 'critical'): void {
  const tones = level === 'critical' ? [660, 880, 1_175] : [587, 587];
  tones.forEach((frequency, k) => {
    const from = audio.currentTime + k * 0.18;
    const [oscillator, gain] = [audio.createOscillator(), audio.createGain()];
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(0.18, from + 0.015);
    gain.gain.exponentialRampToValueAtTime(0.001, from + 0.16);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(from);
    oscillator.stop(from + 0.17);
  });
}

/** Alerts that stood before the page was opened come within this time; they call nobody. */
const SETTLE_MS = 3_000;

const bells = new WeakMap<LiveSite, AlertBell>();

/**
 * The bell of this page: one for each site that is watched, from the first look at its alerts until the page is closed,
 * whatever panel or moment is shown.
 */
export function useAlertBell(): AlertBell {
  const { now, selection, nowMs } = useMissionControl();
  return useMemo(() => {
    const known = bells.get(now);
    if (known !== undefined) return known;
    const bell = makeBell(selection);
    bells.set(now, bell);
    const openedMs = nowMs();
    const tell = () => bell.hear(now.alerts());
    setTimeout(tell, SETTLE_MS);
    now.subscribe('alerts', () => nowMs() - openedMs > SETTLE_MS && tell());
    return bell;
  }, [now, selection, nowMs]);
}

function makeBell(selection: MissionControl['selection']): AlertBell {
  let audio: AudioContext | undefined;
  return new AlertBell(remembered(), {
    remember,
    ring: (level) => {
      audio ??= new AudioContext();
      void audio.resume().then(() => audio !== undefined && ring(audio, level));
    },
    notify: (title, body, tag) => {
      if (permitted() !== 'granted') return;
      const notice = new Notification(title, { body, tag });
      notice.onclick = () => {
        window.focus();
        if (tag !== 'flood') selection.set({ kind: 'alert', id: tag });
        notice.close();
      };
    },
  });
}
