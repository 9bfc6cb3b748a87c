import { EMPTY_ICON, EmptyState } from '../../parts/empty-state.tsx';

/** This site makes none: said plainly, with what does it offline. */
export function NoForks({ reason }: { readonly reason: string }) {
  return (
    <EmptyState icon={EMPTY_ICON.decisions} title="This site runs no forks" testId="no-forks">
      <p>{sentence(reason)}</p>
      <p>
        <code>sigma fork RECORDING --at r08#497 --alternative 1 --out otherwise.sqlite</code>
      </p>
      <p>
        <code>sigma whatif --rule rule.yaml --over RECORDING</code>
      </p>
    </EmptyState>
  );
}

/** The hub marks commands as texts do; here they stand below as what they are. */
const sentence = (text: string): string =>
  text === '' ? '' : `${text[0]?.toUpperCase()}${text.slice(1).replaceAll('`', '')}.`;
