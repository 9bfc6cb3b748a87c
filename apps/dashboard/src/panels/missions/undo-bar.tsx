import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';

interface Undoable {
  readonly title: string;
  readonly undo: () => void;
}

const Offer = createContext<(offer: Undoable) => void>(() => undefined);

/** Offers to take back what was just done, in place of a question before it. */
export const useOfferUndo = (): ((offer: Undoable) => void) => useContext(Offer);

/** An offer stands this long: long enough to read what happened. */
const STANDS_MS = 12_000;

/** The newest offer to undo, above what it concerns. */
export function UndoOffers({ children }: { readonly children: ReactNode }) {
  const [offer, setOffer] = useState<Undoable | null>(null);
  const make = useCallback((made: Undoable) => setOffer(made), []);
  useEffect(() => {
    if (offer === null) return;
    const timer = setTimeout(() => setOffer(null), STANDS_MS);
    return () => clearTimeout(timer);
  }, [offer]);
  const bar = useMemo(
    () =>
      offer === null ? null : (
        <p className="undo-bar" role="status" data-testid="undo-bar">
          <bdi>{offer.title}</bdi>
          <span className="spring" />
          <button
            type="button"
            onClick={() => {
              offer.undo();
              setOffer(null);
            }}
            data-testid="undo"
          >
            Undo
          </button>
        </p>
      ),
    [offer],
  );
  return (
    <Offer.Provider value={make}>
      {bar}
      {children}
    </Offer.Provider>
  );
}
