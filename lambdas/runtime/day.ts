const dayMilliseconds = 86_400_000;

/** The day of UTC that contains a moment, and when the next day begins. */
export const dayOf = (milliseconds: number): { readonly day: string; readonly endsAt: Date } => ({
  day: new Date(milliseconds).toISOString().slice(0, 10),
  endsAt: new Date((Math.floor(milliseconds / dayMilliseconds) + 1) * dayMilliseconds),
});

export const secondsUntil = (moment: Date, nowMilliseconds: number): number =>
  Math.ceil((moment.getTime() - nowMilliseconds) / 1000);
