/** The frame's outline before anything is known, so that nothing jumps when it comes; in words for whoever hears it. */
export function Waiting({ children }: { readonly children: string }) {
  return (
    <main className="skeleton" aria-busy="true">
      <div className="skeleton-bar" />
      <div className="skeleton-side">
        {ROWS.map((row) => (
          <div key={row} className="skeleton-row" />
        ))}
      </div>
      <div className="skeleton-centre">
        <p role="status">{children}</p>
      </div>
      <div className="skeleton-side">
        {ROWS.map((row) => (
          <div key={row} className="skeleton-row" />
        ))}
      </div>
      <div className="skeleton-bar" />
    </main>
  );
}

const ROWS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
