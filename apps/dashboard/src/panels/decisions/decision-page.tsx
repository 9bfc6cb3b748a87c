import type { PanelProps } from '../../frame/panel-port.ts';
import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';
import { DecisionView } from './decision-view.tsx';

/** One decision on the whole page: `/decision/:agent/:epoch/:sequence`. */
export default function DecisionPage({ params }: PanelProps) {
  const { agent = '', epoch = '', sequence = '' } = params;
  if (agent === '' || !/^\d{1,9}$/.test(epoch) || !/^\d{1,19}$/.test(sequence)) {
    return (
      <section className="panel">
        <EmptyState icon={EMPTY_ICON.decisions} title="This is no address of a decision.">
          <p>
            One reads <span className="mono">/decision/r17/3/482</span>: robot, epoch, sequence.
          </p>
        </EmptyState>
      </section>
    );
  }
  return (
    <section className="panel decision-page" aria-label="Decision">
      <div className="scroll">
        <DecisionView at={{ agentId: agent, epoch: Number(epoch), sequence: BigInt(sequence) }} alone />
      </div>
    </section>
  );
}
