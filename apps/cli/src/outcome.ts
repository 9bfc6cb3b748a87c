/** How a command ends. Scripts may rely on these numbers; `sigma --help` prints them. */
export const EXIT = {
  ok: 0,
  /** A check failed: a recording does not verify, a simulation broke an invariant, the doctor found something. */
  failed: 1,
  usage: 2,
  unreachable: 3,
  /** The hub or the robot said no, or the caller may not do this. */
  refused: 4,
  /** The machine is in the way: a file, a disk, a port. */
  machine: 5,
  /** A defect of this program. */
  defect: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    a check failed (recording does not verify, invariant broken, doctor found a fault)
  2    wrong usage
  3    the hub cannot be reached
  4    refused by the hub or the robot
  5    a file, a disk or a port is in the way
  70   a defect of sigma itself
  130  interrupted`;

/** An expected failure: it names the culprit and the way out, and nobody sees a stack. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly wayOut: string;

  constructor(exitCode: ExitCode, what: string, wayOut: string, options?: ErrorOptions) {
    super(what, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.wayOut = wayOut;
  }
}
