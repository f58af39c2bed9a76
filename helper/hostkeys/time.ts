/** The time of day as people and RFC 3339 write it: an engine without Date runs this. */

const DAY = 86_400;

/** Of the Gregorian calendar, which repeats itself after so many days. */
const DAYS_IN_400_YEARS = 146_097;

function daysInYear(year: number): number {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 366 : 365;
}

function daysInMonth(year: number, month: number): number {
  return month === 2 ? daysInYear(year) - 337 : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** `2026-11-22T05:48:36Z` for seconds since the start of 1970, in UTC. */
export function formatTime(unixTime: number): string {
  let days = Math.max(0, Math.floor(unixTime / DAY)) % DAYS_IN_400_YEARS;
  let year = 1970 + Math.floor(Math.max(0, unixTime) / DAY / DAYS_IN_400_YEARS) * 400;
  for (; days >= daysInYear(year); year += 1) days -= daysInYear(year);
  let month = 1;
  for (; days >= daysInMonth(year, month); month += 1) days -= daysInMonth(year, month);
  const seconds = Math.max(0, Math.floor(unixTime)) % DAY;
  const date = [String(year).padStart(4, "0"), twoDigits(month), twoDigits(days + 1)].join("-");
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(":");
  return `${date}T${time}Z`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}

/** `2026-11-22 05:48 UTC` for `2026-11-22T05:48:36Z`. */
export function formatMinute(time: string): string {
  return time.replace("T", " ").replace(/:\d\dZ$/, " UTC");
}
