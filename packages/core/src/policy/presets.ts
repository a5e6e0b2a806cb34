/** The names of the presets. Their tables grow with what the pool reads of them. */
export const PRESET_NAMES = ['respectful', 'rotate', 'throughput', 'sticky', 'relay'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Plain data: what a request may do. */
export interface Policy {
  readonly preset: PresetName;
  readonly retry: {
    /** Most attempts of which the target may have seen something. Reroutes are not counted. */
    readonly maxAttempts: number;
  };
}

/** One frozen table per preset; `respectful` is the default. */
export const PRESETS: Readonly<Record<PresetName, Policy>> = Object.freeze({
  respectful: preset('respectful', 3),
  rotate: preset('rotate', 3),
  throughput: preset('throughput', 3),
  sticky: preset('sticky', 3),
  relay: preset('relay', 3),
});

function preset(name: PresetName, maxAttempts: number): Policy {
  return Object.freeze({ preset: name, retry: Object.freeze({ maxAttempts }) });
}
