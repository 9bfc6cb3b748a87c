/** One step of the first run: a real thing on the screen, and two sentences about it. */
export interface TourStep {
  /** Value of `data-tour` on what it speaks of, or a test id. */
  readonly at: string;
  readonly title: string;
  readonly words: string;
}

/** Six steps, read in a minute. */
export const TOUR_STEPS: readonly TourStep[] = [
  {
    at: 'summary',
    title: 'Does anything need you?',
    words: 'This line says it for the whole site. Grey is normal; colour, shape and word say what is not.',
  },
  {
    at: 'map',
    title: 'The site, now',
    words: 'Robots, people, planned paths. Press a robot, here or in the list, and it is selected everywhere.',
  },
  {
    at: 'panel:robot',
    title: 'Why it does what it does',
    words: 'What is selected explains itself here: what it wants, what it just decided, what lost and why.',
  },
  {
    at: 'site-stop',
    title: 'Stop',
    words:
      'Always in this corner, on every page, also in the past. Hold it, or hold Shift and S. A reset is up to people.',
  },
  {
    at: 'time',
    title: 'Any moment again',
    words:
      'Drag back: this browser computes the moment again from the recording. Space holds and plays, L goes back to live.',
  },
  {
    at: 'palette',
    title: 'Everything has a name',
    words: 'Ctrl K finds any robot, mission, zone, page or command. The key ? lists all keys. That is all; you are on.',
  },
];
