/** Where an object lies, read out of its WADO-RS address. Pure logic. */

export interface ObjectPlace {
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  readonly frame: number;
}

const PATH = /\/studies\/([\d.]+)\/series\/([\d.]+)\/instances\/([\d.]+)\/frames\/(\d+)/;

export function placeOfUrl(url: string): ObjectPlace | null {
  const [, study, series, instance, frame] = PATH.exec(url) ?? [];
  if (!study || !series || !instance || !frame) return null;
  return { study, series, instance, frame: Number(frame) };
}
