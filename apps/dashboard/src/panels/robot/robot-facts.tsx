import type { AgentStatus } from '@sigma/proto';
import type { ReactNode } from 'react';
import { useMissionControl, useObservable } from '../../frame/mission-control.tsx';
import { localTime, personWords, plural, span, words } from '../../words/quantities.ts';
import type { AgentDetail } from './use-agent-detail.ts';

interface RobotFactsProps {
  readonly status: AgentStatus | undefined;
  readonly detail: AgentDetail;
  readonly ageMs: number;
}

/** What it is: body, software, edge, what it can do, who holds it, how fresh its word is. */
export function RobotFacts({ status, detail, ageMs }: RobotFactsProps) {
  const { me } = useMissionControl();
  const { holder } = useObservable(me);
  const view = detail.view;
  const held = status?.leaseHolder ?? '';
  const until = detail.leaseExpiresTimeUs;
  return (
    <dl className="facts" data-testid="robot-facts">
      <Fact name="Body">{status?.body || '–'}</Fact>
      <Fact name="Software" about="The program beside the body, with its version">
        {view?.software || 'not told'}
      </Fact>
      <Fact name="Edge" about="The program that runs it; several robots may share one">
        <bdi className="mono">{view?.edgeId || 'not told'}</bdi>
        {view === null ? '' : view.linked ? ', linked' : ', link down'}
      </Fact>
      <Fact name="Link" about="Age of the newest position the hub has">
        {span(ageMs)} old
      </Fact>
      <Fact name="Can">
        {view === null || view.capabilities.length === 0 ? 'not told' : capabilities(view.capabilities)}
      </Fact>
      <Fact name="Control">
        {held === '' ? (
          'nobody holds the lease'
        ) : (
          <>
            <bdi>{held === holder ? 'you' : personWords(held)}</bdi>
            {until === 0n ? '' : `, until ${localTime(until)}`}
          </>
        )}
      </Fact>
      {status === undefined ? null : (
        <Fact name="Record" about="Inputs and events of this life that are safe on disk">
          epoch {status.epoch}
          {/* Of a moment that is computed again nobody knows what was on disk by then. */}
          {status.recordedSequence > 0n && `, ${plural(Number(status.recordedSequence), 'event')} durable`}
        </Fact>
      )}
    </dl>
  );
}

const capabilities = (all: readonly string[]): string =>
  all.map((one) => words(one.replace(/^payload:(\d+)$/, 'payload $1 kg').replace(':', ' '))).join(', ');

interface FactProps {
  readonly name: string;
  readonly about?: string;
  readonly children: ReactNode;
}

export function Fact({ name, about, children }: FactProps) {
  return (
    <div title={about}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
