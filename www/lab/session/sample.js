/** The numbers of held-out pictures by which trainings are judged: the same on every machine, however fast it is. */

/** Held-out pictures shown. */
export const GRID = 40;
/** While training, or all there are: a fixed sample, the first ones. */
export const SAMPLE = 200;
/** At the end, or all there are. */
export const FINAL = 1000;
