/** What each fault of the simulated fleet does to its robot; a name that is not here is shown as it is. */
const FAULTS: Readonly<Record<string, string>> = {
  motor_overload: 'A wheel blocks: its motor draws more than its limit',
  overheating: 'A motor grows hotter than it may',
  stuck_encoder: 'One wheel’s encoder stands still while the wheel turns',
  lidar_freeze: 'The lidar repeats its last picture',
  imu_drift: 'The gyro reports a turn that is not there',
  battery_collapse: 'The battery’s voltage falls under load',
  link_loss: 'The robot loses its link to the hub',
  planner_hang: 'The hub’s planner stops answering for this robot',
  planner_lies: 'The hub’s planner sends plans that are wrong',
  person_steps_in: 'A person steps in front of the robot',
};

export const faultWords = (fault: string): string => FAULTS[fault] ?? 'A fault by this name';

/** The fault that cuts the link: it has a place of its own on the bench. */
export const LINK_FAULT = 'link_loss';
