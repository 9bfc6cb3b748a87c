import { useEffect, useRef, useState } from 'react';
import { useFrame } from '../frame/frame-ui.ts';
import { useObservable } from '../frame/mission-control.tsx';
import { keep, TOUR_KEY } from '../frame/remembered.ts';
import { placeBeside } from './place-beside.ts';
import { TOUR_STEPS, type TourStep } from './tour-steps.ts';

/** Explains the real screen in a minute: one box beside one thing at a time. Never over the stop control; Esc ends it. */
export function Tour() {
  const frame = useFrame();
  const at = useObservable(frame.tour) ?? 0;
  const step = TOUR_STEPS[at];
  const box = useRef<HTMLElement>(null);
  const [place, setPlace] = useState<{ readonly left: number; readonly top: number } | null>(null);

  useEffect(() => {
    if (step === undefined) return;
    const put = () => {
      const target = targetOf(step);
      for (const marked of document.querySelectorAll('[data-tour-now]')) marked.removeAttribute('data-tour-now');
      target?.setAttribute('data-tour-now', '');
      const stop = document.querySelector('[data-testid="site-stop"]');
      const size = box.current?.getBoundingClientRect() ?? { width: 340, height: 180 };
      setPlace(
        placeBeside(
          target?.getBoundingClientRect() ?? null,
          stop?.getBoundingClientRect() ?? null,
          { width: size.width, height: size.height },
          { width: window.innerWidth, height: window.innerHeight },
        ),
      );
    };
    put();
    box.current?.focus();
    window.addEventListener('resize', put);
    return () => {
      window.removeEventListener('resize', put);
      for (const marked of document.querySelectorAll('[data-tour-now]')) marked.removeAttribute('data-tour-now');
    };
  }, [step]);

  if (step === undefined) return null;
  const end = () => {
    keep(TOUR_KEY, true);
    frame.tour.set(null);
  };
  const go = (to: number) => (to >= TOUR_STEPS.length ? end() : frame.tour.set(Math.max(0, to)));
  return (
    <section
      ref={box}
      className="tour"
      role="dialog"
      aria-labelledby="tour-title"
      aria-describedby="tour-words"
      tabIndex={-1}
      style={place ?? { visibility: 'hidden' }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') end();
        else if (event.key === 'ArrowRight') go(at + 1);
        else if (event.key === 'ArrowLeft') go(at - 1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      data-testid="tour"
    >
      <h2 id="tour-title">{step.title}</h2>
      <p id="tour-words">{step.words}</p>
      <div className="tour-acts">
        <span className="quiet">
          {at + 1} of {TOUR_STEPS.length}
        </span>
        <span className="spring" />
        <button type="button" className="plain" onClick={end} data-testid="tour-skip">
          Skip
        </button>
        {at > 0 ? (
          <button type="button" onClick={() => go(at - 1)}>
            Back
          </button>
        ) : null}
        <button type="button" className="primary" onClick={() => go(at + 1)} data-testid="tour-next">
          {at === TOUR_STEPS.length - 1 ? 'Done' : 'Next'}
        </button>
      </div>
    </section>
  );
}

function targetOf({ at }: TourStep): Element | null {
  if (at.startsWith('panel:')) return document.querySelector(`[data-panel="${at.slice('panel:'.length)}"]`);
  return document.querySelector(`[data-tour="${at}"], [data-testid="${at}"]`);
}
