import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { causeWords } from '../../words/alert-words.ts';
import { silence } from './alert-acts.ts';

const ENDS: readonly (readonly [seconds: number, words: string])[] = [
  [15 * 60, '15 minutes'],
  [3_600, '1 hour'],
  [4 * 3_600, '4 hours'],
  [8 * 3_600, 'a shift, 8 hours'],
  [86_400, 'a day'],
];

interface SilenceFormProps {
  readonly cause: string;
  /** Each that the hub tells apart: all of them are silenced. */
  readonly causes: readonly string[];
  /** Robots that raise it now: one of them, or all robots, can be silenced. */
  readonly agentIds: readonly string[];
  readonly onDone: () => void;
}

/** A silence has an end and a reason, both recorded. It changes no robot: only this page stops calling for you. */
export function SilenceForm({ cause, causes, agentIds, onDone }: SilenceFormProps) {
  const control = useMissionControl();
  const [seconds, setSeconds] = useState(ENDS[1]?.[0] ?? 3_600);
  const [agentId, setAgentId] = useState(agentIds.length === 1 ? (agentIds[0] as string) : '');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const name = useId();
  const form = useRef<HTMLFormElement>(null);
  // Below the last row of a short panel nobody would see that it opened.
  useEffect(() => {
    // What it answers is no business of React, which would take it for a way to undo this.
    void form.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const done = await silence(control, cause, causes, agentId, seconds, reason.trim());
    setBusy(false);
    if (done) onDone();
  };
  return (
    <form ref={form} className="silence-form" onSubmit={submit} aria-labelledby={name} data-testid="silence-form">
      <p id={name}>
        Silence <strong>{causeWords(cause)}</strong>: the robots go on as they do, only nobody is called. Critical
        alerts always speak.
      </p>
      <label className="inline">
        of
        <select value={agentId} onChange={(event) => setAgentId(event.target.value)} aria-label="Of which robot">
          <option value="">all robots</option>
          {agentIds.map((id) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      <label className="inline">
        for
        <select
          value={seconds}
          onChange={(event) => setSeconds(Number(event.target.value))}
          aria-label="For how long"
          data-testid="silence-end"
        >
          {ENDS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <input
        required
        maxLength={200}
        placeholder="Because …"
        aria-label="Reason"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        data-testid="silence-reason"
      />
      <button type="submit" className="primary" disabled={busy || reason.trim() === ''} data-testid="silence-send">
        Silence
      </button>
      <button type="button" className="plain" onClick={onDone}>
        Leave it
      </button>
    </form>
  );
}
