/** For properties that are made anew at each rendering: they have changed when they hold other things. */

const held = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? [...part] : part));

export const whenOther = {
  hasChanged: (value: unknown, before: unknown): boolean => held(value) !== held(before),
};
