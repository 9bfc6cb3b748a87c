import { createContext, useContext, useEffect } from 'react';
import type { FlatPainter } from '../../site/flat/flat-brush.ts';

/** Who paints on the flat map; none where it is solid. */
export const FlatPainters = createContext<Set<FlatPainter> | null>(null);

/** Paints on the flat map for as long as the component that says so is there. */
export function useFlatPainter(token: string, paint: FlatPainter['paint']): void {
  const painters = useContext(FlatPainters);
  useEffect(() => {
    if (painters === null) return;
    const painter = { token, paint };
    painters.add(painter);
    return () => void painters.delete(painter);
  }, [painters, token, paint]);
}
