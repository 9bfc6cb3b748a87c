import type { Alert } from '@sigma/proto';
import { AlertLevel } from '@sigma/proto';
import { Observable } from '../../live/observable.ts';
import { plainWords } from '../../words/quantities.ts';

/** How the page calls for a person who does not look at it. Both are off until he turns them on. */
export interface BellChoice {
  readonly sound: boolean;
  readonly notice: boolean;
}

/** What the bell needs of a browser. */
export interface BellPorts {
  readonly ring: (level: 'warning' | 'critical') => void;
  readonly notify: (title: string, text: string, tag: string) => void;
  readonly remember: (choice: BellChoice) => void;
}

/** More new alerts at once than this are told as a number: a flood is one call. */
const MOST_NAMED = 3;

/**
 * Calls once for every alert that newly needs somebody: warning or critical, standing, not acknowledged, not silenced,
 * and not explained by another. What stood before the page opened does not call.
 */
export class AlertBell {
  readonly choice: Observable<BellChoice>;
  readonly #ports: BellPorts;
  #known: Set<string> | null = null;

  constructor(choice: BellChoice, ports: BellPorts) {
    this.choice = new Observable(choice);
    this.#ports = ports;
    this.choice.subscribe(() => ports.remember(this.choice.get()));
  }

  /** To be told of all alerts whenever one changed. */
  hear(alerts: readonly Alert[]): void {
    const calling = alerts.filter(calls);
    const before = this.#known;
    this.#known = new Set(calling.map(({ id }) => id));
    if (before === null) return;
    const fresh = calling.filter(({ id }) => !before.has(id));
    if (fresh.length === 0) return;
    const critical = fresh.some(({ level }) => level === AlertLevel.CRITICAL);
    const { sound, notice } = this.choice.get();
    if (sound) this.#ports.ring(critical ? 'critical' : 'warning');
    if (!notice) return;
    if (fresh.length > MOST_NAMED) {
      this.#ports.notify(
        `${fresh.length} new alerts`,
        `${critical ? 'Critical. ' : ''}They stand in Mission Control.`,
        'flood',
      );
      return;
    }
    for (const alert of fresh) {
      const level = alert.level === AlertLevel.CRITICAL ? 'Critical' : 'Warning';
      this.#ports.notify(`${level}: ${calledOut(alert)}`, plainWords(alert.advice), alert.id);
    }
  }
}

/** Read on a screen without the page: it names its robot, and says it in the words of the page. */
function calledOut({ agentId, text }: Alert): string {
  const said = plainWords(text);
  return agentId === '' || said.startsWith(`${agentId}:`) ? said : `${agentId}: ${said}`;
}

const calls = ({ level, clearedTimeUs, acknowledgedBy, silencedUntilTimeUs, rootId }: Alert): boolean =>
  level >= AlertLevel.WARNING &&
  clearedTimeUs === 0n &&
  acknowledgedBy === '' &&
  rootId === '' &&
  (silencedUntilTimeUs === 0n || level === AlertLevel.CRITICAL);
