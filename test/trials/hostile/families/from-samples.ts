import { formats } from '../formats/index.ts';
import { type Family, formatNames, type Sample } from '../input.ts';

/** Valid images must still become ready; otherwise the refusals would prove nothing. */
export const intact = (samples: readonly Sample[]): Family => ({
  name: 'intact',
  make(nth, random) {
    const { name, bytes } = samples[nth % samples.length] ?? random.pick(samples);
    return { kind: name, bytes, must: 'ready' };
  },
});

/** Each format is equally frequent, independent of the number of its samples. */
const changedByFormat = (
  family: string,
  samples: readonly Sample[],
  change: 'restructure' | 'lie',
): Family => ({
  name: family,
  make(nth, random) {
    const format = formatNames[nth % formatNames.length] ?? random.pick(formatNames);
    const sample = random.pick(samples.filter((each) => each.format === format));
    const { kind, bytes } = formats[format][change](sample.bytes, random);
    return { kind: `${sample.name}-${kind}`, bytes };
  },
});

export const restructured = (samples: readonly Sample[]): Family =>
  changedByFormat('restructured', samples, 'restructure');

export const lying = (samples: readonly Sample[]): Family => changedByFormat('lying', samples, 'lie');
