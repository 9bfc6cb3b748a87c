import { type KeyboardEvent, type PointerEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';

/** How long a dangerous act must be held, by pointer or by key. The style sheet's --hold-ms says the same. */
export const HOLD_MS = 600;

interface HoldButtonProps {
  readonly onHeld: () => void;
  readonly children: ReactNode;
  /** What will happen to whom. Read out with the button, and shown while it is held or pointed at. */
  readonly consequence: string;
  readonly className?: string;
  readonly disabled?: boolean;
  readonly testId?: string;
}

/** A button that acts only when it is held for 0.6 s; letting go before that does nothing. */
export function HoldButton({
  onHeld,
  children,
  consequence,
  className = '',
  disabled = false,
  testId,
}: HoldButtonProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const frame = useRef(0);
  const [holding, setHolding] = useState(false);

  const release = useCallback(() => {
    clearTimeout(timer.current);
    cancelAnimationFrame(frame.current);
    timer.current = undefined;
    setHolding(false);
  }, []);
  useEffect(() => release, [release]);

  const press = () => {
    if (disabled || timer.current !== undefined) return;
    setHolding(true);
    // A page that was busy may have its finger's letting go still waiting: what came in is heard before the next frame.
    timer.current = setTimeout(() => {
      frame.current = requestAnimationFrame(() => {
        setHolding(false);
        onHeld();
      });
    }, HOLD_MS);
  };
  const pointerDown = (event: PointerEvent<HTMLButtonElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    press();
  };
  const keyDown = (event: KeyboardEvent) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (!event.repeat) press();
  };
  const keyUp = (event: KeyboardEvent) => {
    if (event.key === ' ' || event.key === 'Enter') release();
  };
  return (
    <button
      type="button"
      className={`hold ${holding ? 'holding' : ''} ${className}`}
      disabled={disabled}
      data-testid={testId}
      title={`Hold: ${consequence}`}
      aria-description={`Hold for 0.6 seconds. ${consequence}`}
      onPointerDown={pointerDown}
      onPointerUp={release}
      onPointerCancel={release}
      onKeyDown={keyDown}
      onKeyUp={keyUp}
      onBlur={release}
      onContextMenu={(event) => event.preventDefault()}
    >
      <span className="hold-fill" aria-hidden="true" />
      <span className="hold-text">{children}</span>
    </button>
  );
}
