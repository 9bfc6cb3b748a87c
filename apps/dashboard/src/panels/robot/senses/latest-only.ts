/** Where requests go and answers come from, one at a time: a worker, or a fake of one. */
export interface OneAtATime<Request, Answer> {
  post(request: Request): void;
  onAnswer: (answer: Answer) => void;
}

/**
 * Asks for what is wanted now and forgets what was wanted in between: while a person drags through time, each answer is
 * followed by a question for wherever he has come to.
 */
export class LatestOnly<Request, Answer> {
  readonly #port: OneAtATime<Request, Answer>;
  #busy = false;
  #next: Request | null = null;

  constructor(port: OneAtATime<Request, Answer>, answered: (answer: Answer) => void) {
    this.#port = port;
    port.onAnswer = (answer) => {
      this.#busy = false;
      answered(answer);
      const next = this.#next;
      this.#next = null;
      if (next !== null) this.ask(next);
    };
  }

  ask(request: Request): void {
    if (this.#busy) {
      this.#next = request;
      return;
    }
    this.#busy = true;
    this.#port.post(request);
  }
}
