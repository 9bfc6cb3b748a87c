import type { ReactNode } from 'react';

/** What a menu is called, in its place until the menu itself has come. */
export function MenuName({ children }: { readonly children: ReactNode }) {
  return (
    <button type="button" className="menu-open" tabIndex={-1} aria-hidden="true">
      {children}
    </button>
  );
}
