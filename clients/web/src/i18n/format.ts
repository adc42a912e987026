import { language } from "./language";

function number(value: number, digits: number): string {
  return new Intl.NumberFormat(language.value, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** 00:12:41, or 12:41 within the first hour. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${two(hours)}:${rest}` : rest;
}

export function clock(atMs: number): string {
  return new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }).format(
    atMs,
  );
}

export function milliseconds(ms: number): string {
  return `${number(ms, ms < 10 ? 1 : 0)} ms`;
}

export function percent(share: number): string {
  return `${number(share * 100, 1)} %`;
}

export function bitrate(bps: number): string {
  return bps >= 1_000_000 ? `${number(bps / 1e6, 1)} Mbit/s` : `${number(bps / 1000, 0)} kbit/s`;
}
