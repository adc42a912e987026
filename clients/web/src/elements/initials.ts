/** The first letter of each of two words; a Chinese name's last two characters. */
export function initials(name: string): string {
  const han = /\p{Script=Han}+/u.exec(name)?.[0];
  if (han) return han.slice(-2);
  const words = name
    .split(/[\s·,.()]+/u)
    .filter((word) => /\p{L}/u.test(word) && !/^(dr|prof|mr|mrs|ms)$/i.test(word));
  const chosen = words.length > 2 ? [words[0], words.at(-1)] : words;
  return chosen
    .map((word) => word?.[0] ?? "")
    .join("")
    .toUpperCase();
}
