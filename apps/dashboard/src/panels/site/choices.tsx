import type { Place } from '@sigma/fleet-model';
import { useMissionControl, useTopic } from '../../frame/mission-control.tsx';
import { byId } from '../../words/agent-state.ts';

interface ChoiceProps {
  readonly value: string;
  readonly onChange: (id: string) => void;
}

/** `anyWords`: what the empty choice means; without it a robot must be named. */
export function RobotChoice({ value, onChange, anyWords }: ChoiceProps & { readonly anyWords?: string }) {
  const { live } = useMissionControl();
  useTopic('roster');
  return (
    <label className="inline">
      Robot
      <select value={value} onChange={(event) => onChange(event.target.value)} data-testid="choose-robot">
        <option value="">{anyWords ?? 'choose'}</option>
        {[...live.ids].sort(byId).map((id) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </label>
  );
}

export function PlaceChoice({
  value,
  onChange,
  label,
  places,
  emptyWords,
}: ChoiceProps & { label: string; places: readonly Place[]; emptyWords: string }) {
  return (
    <label className="inline">
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{emptyWords}</option>
        {places.map((place) => (
          <option key={place.id} value={place.id}>
            {place.id}
          </option>
        ))}
      </select>
    </label>
  );
}
