/** Which of a robot's causes of alerts explains which others of the same robot, in the hub's spelling of causes. */
interface FleetCause {
  readonly root: RegExp;
  readonly children: RegExp;
  /** They have one cause that shows in all of them: whichever was raised first stands for those after it. */
  readonly together?: true;
}

const anyOf = (...fields: string[]): RegExp => new RegExp(`^(band|rate|frozen|cross):state\\.(${fields.join('|')})$`);

const HOT = /^failsafe:(motor_hot|board_hot|battery_hot)$/;
const HOT_PARTS = anyOf('motorLeftC', 'motorRightC', 'boardC', 'batteryC');

/**
 * The causes of a fleet's robot, in the words of its model: a failsafe explains what the analyzer sees of the same part,
 * a lost link explains what does not come any more. First match wins; a cause never explains itself.
 */
export const FLEET_CAUSES: readonly FleetCause[] = [
  { root: /^link:silent$/, children: /^(frozen:|failsafe:link_lost$|failsafe:planner_doubts$)/ },
  { root: /^failsafe:link_lost$/, children: /^frozen:/ },
  // Heat spreads: a hot robot is one alert, whichever of its parts said so first.
  { root: HOT, children: HOT_PARTS },
  { root: HOT, children: HOT, together: true },
  { root: HOT_PARTS, children: HOT_PARTS, together: true },
  {
    root: /^failsafe:(motor_hot|motor_overload)$/,
    children: anyOf('motorLeftC', 'motorRightC', 'currentLeftA', 'currentRightA'),
  },
  { root: /^failsafe:motor_overload$/, children: /^failsafe:(motor_hot|moves_against_command)$/ },
  { root: /^failsafe:battery_hot$/, children: anyOf('batteryA') },
  {
    root: /^failsafe:(battery_low|battery_critical|voltage_collapsed)$/,
    children: anyOf('charge', 'batteryV', 'batteryA', 'batteryHealth'),
  },
  { root: /^failsafe:voltage_collapsed$/, children: /^failsafe:(battery_low|battery_critical)$/ },
  { root: /^failsafe:battery_critical$/, children: /^failsafe:battery_low$/ },
  { root: /^failsafe:tilted$/, children: anyOf('pitchRad', 'rollRad') },
  {
    root: /^failsafe:(odometry_disagrees|imu_drifts|overspeed|moves_against_command)$/,
    children: anyOf(
      'encoderStuck',
      'imuDrift',
      'gyroBiasRadps',
      'fixGapM',
      'positionSigmaM',
      'speedMps',
      'turnRadps',
      'headingRad',
    ),
  },
  { root: /^failsafe:odometry_disagrees$/, children: /^failsafe:(imu_drifts|moves_against_command)$/ },
  { root: /^failsafe:blind$/, children: anyOf('lidarFrozen', 'freePathM') },
  { root: /^failsafe:person_too_close$/, children: anyOf('personM') },
  // Whatever holds a robot until somebody comes makes it ask for help.
  { root: /^failsafe:(?!needs_help$)/, children: /^failsafe:needs_help$/ },
];
