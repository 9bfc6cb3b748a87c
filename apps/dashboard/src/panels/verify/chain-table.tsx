import { plural } from '../../words/quantities.ts';
import type { ChainSummary } from './verify-words.ts';

/** A chain that is still being read: so many of its events so far. */
export interface ChainLine {
  readonly name: string;
  readonly events: number;
  readonly read: number;
}

/** Every chain from its first event to its last, all on one scale: how far each stretch could be checked. */
export function ChainTable({ chains }: { readonly chains: readonly (ChainSummary | ChainLine)[] }) {
  const most = Math.max(1, ...chains.map(({ events }) => events));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="verify-chains" tabIndex={0} aria-label="Chains of the recording">
      <table>
        <thead>
          <tr>
            <th scope="col" title="Whose recording it is: a robot, the hub or the world">
              Chain
            </th>
            <th scope="col" className="right" title="Recorded events of the chain, each checked against its hash">
              Events
            </th>
            <th scope="col" className="right" title="Events that the kernel, run again, wrote the same bit for bit">
              Agreed
            </th>
            <th
              scope="col"
              title="Each chain from its first event to its last, as long as it has events: grey was run again, hatched is as it was written, red failed"
            >
              How far
            </th>
            <th scope="col" title="From which event to which, and how far it could be checked">
              Stretches
            </th>
          </tr>
        </thead>
        <tbody>
          {chains.map((chain) =>
            'read' in chain ? (
              <tr key={chain.name}>
                <td className="mono">{chain.name}</td>
                <td className="mono right">{chain.events}</td>
                <td className="mono right quiet">–</td>
                <td>
                  <progress
                    className="stretches"
                    style={{ inlineSize: `${(chain.events / most) * 100}%` }}
                    value={chain.read}
                    max={Math.max(1, chain.events)}
                    aria-label={`Progress of ${chain.name}`}
                  />
                </td>
                <td className="quiet">{chain.read < chain.events ? `event ${chain.read}` : 'read'}</td>
              </tr>
            ) : (
              <tr key={chain.name} className={chain.failures > 0 ? 'level-critical' : undefined}>
                <td className="mono">{chain.name}</td>
                <td className="mono right">{chain.events}</td>
                <td className="mono right">{chain.reexecuted}</td>
                <td>
                  <StretchBar chain={chain} share={chain.events / most} />
                </td>
                <td>
                  {chain.stretches} <span className="quiet">{chain.note}</span>
                </td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </section>
  );
}

/** The words beside it say the same; it is for the eye. */
function StretchBar({ chain, share }: { readonly chain: ChainSummary; readonly share: number }) {
  return (
    <span className="stretches" style={{ inlineSize: `${share * 100}%` }} aria-hidden="true">
      {chain.parts.map(({ from, to, result }) => (
        <span
          key={from}
          className={`stretch-${result}`}
          style={{ flexGrow: to - from + 1 }}
          title={`${plural(to - from + 1, 'event')} ${result}`}
        />
      ))}
    </span>
  );
}
