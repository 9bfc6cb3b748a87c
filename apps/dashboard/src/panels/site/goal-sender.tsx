import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MissionGoalSchema, PreviewMissionResponse } from '@sigma/proto';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Guarded } from '../../frame/access/guarded.tsx';
import { useMissionControl } from '../../frame/mission-control.tsx';
import type { Outcome } from '../../live/acts.ts';
import { explain } from '../../live/hub.ts';
import { plural, span } from '../../words/quantities.ts';

export type Goal = MessageInitShape<typeof MissionGoalSchema>;

type Preview =
  | { readonly kind: 'asking' }
  | { readonly kind: 'known'; readonly answer: PreviewMissionResponse }
  | { readonly kind: 'failed'; readonly reason: string };

interface GoalSenderProps {
  /** What would be sent; null while the form is not complete. Compared by `goalKey`. */
  readonly goal: Goal | null;
  readonly goalKey: string;
  readonly name: string;
  readonly sendWords: string;
  /** It was taken. */
  readonly onSent: () => void;
  readonly onCancel: () => void;
  /** What else is asked, in one line with the priority. */
  readonly children?: ReactNode;
}

const PREVIEW_AFTER_MS = 200;

/** Says who would do it and how long it would take, and only then sends it. */
export function GoalSender({ goal, goalKey, name, sendWords, onSent, onCancel, children }: GoalSenderProps) {
  const { hub, acts, now } = useMissionControl();
  const [preview, setPreview] = useState<Preview>({ kind: 'asking' });
  const [priority, setPriority] = useState(0);
  const [sending, setSending] = useState(false);
  const latest = useRef(goal);
  latest.current = goal;
  const ready = goal !== null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the goal, which is a new object each time.
  useEffect(() => {
    setPreview({ kind: 'asking' });
    if (!ready) return;
    const asked = new AbortController();
    const timer = setTimeout(() => {
      hub.missions.previewMission({ goal: latest.current ?? {} }, { signal: asked.signal }).then(
        (answer) => asked.signal.aborted || setPreview({ kind: 'known', answer }),
        (error) => asked.signal.aborted || setPreview({ kind: 'failed', reason: explain(error) }),
      );
    }, PREVIEW_AFTER_MS);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [hub, ready, goalKey]);

  const send = async () => {
    if (goal === null) return;
    setSending(true);
    const idempotencyKey = freshKey();
    const answer = await acts.run(
      `Send ${name}`,
      [],
      () => hub.missions.createMission({ name, goal, priority, idempotencyKey }),
      ({ mission }): Outcome => ({ kind: 'done', detail: mission === undefined ? 'taken' : `taken as ${mission.id}` }),
    );
    setSending(false);
    if (answer?.mission === undefined) return;
    now.putMission(answer.mission);
    onSent();
  };

  const possible = ready && preview.kind === 'known' && preview.answer.tasks.length > 0;
  return (
    <div className="sender">
      <div className="sender-row">
        {children}
        <label className="inline">
          Priority
          <input
            type="number"
            min={-10}
            max={10}
            value={priority}
            onChange={(event) => setPriority(event.target.valueAsNumber || 0)}
            title="−10 to 10: the higher gets robots first"
          />
        </label>
      </div>
      {ready ? <PreviewLine preview={preview} /> : null}
      <div className="sender-row">
        <span className="spring" />
        <button type="button" onClick={onCancel} data-testid="compose-cancel">
          Cancel
        </button>
        <Guarded role="operator">
          <button
            type="button"
            className="primary"
            disabled={!possible || sending}
            onClick={() => void send()}
            data-testid="send-mission"
          >
            {sending ? 'Sending…' : sendWords}
          </button>
        </Guarded>
      </div>
    </div>
  );
}

function PreviewLine({ preview }: { readonly preview: Preview }) {
  if (preview.kind === 'asking') return <p className="preview quiet">Asking who would do it…</p>;
  if (preview.kind === 'failed') {
    return (
      <p className="preview level-warning" role="alert" data-testid="preview">
        No preview: {preview.reason}
      </p>
    );
  }
  const { tasks, seconds, detail } = preview.answer;
  const who = [...new Set(tasks.map((task) => task.agentId).filter((id) => id !== ''))];
  if (tasks.length === 0) {
    return (
      <p className="preview level-advisory" data-testid="preview">
        Nobody can do it now. {detail}
      </p>
    );
  }
  if (who.length === 0) {
    return (
      <p className="preview" data-testid="preview">
        No robot is free now: it waits for one, the most urgent mission first. {detail}
      </p>
    );
  }
  const named = who.length <= 6 ? who.join(', ') : `${who.slice(0, 6).join(', ')} and ${who.length - 6} more`;
  return (
    <p className="preview" data-testid="preview">
      {plural(who.length, 'robot')}: {named}. About {span(seconds * 1_000)}. {detail}
    </p>
  );
}

/** 128 random bits. Two presses of the button make two missions; two deliveries of one request make one. */
export function freshKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
