// Slack's date tokens, in the viewer's timezone. `now` is the scene's clock, not the browser's.

const DAY = 86400;
const ordinal = (n) => n + (["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th");
const part = (date, options) => new Intl.DateTimeFormat("en-US", options).format(date);
const two = (n) => String(n).padStart(2, "0");

// The viewer's region decides between 6:39 PM and 18:39, as in Slack.
const clock = (date, options) => new Intl.DateTimeFormat(undefined, options).format(date);

/** The time of day: "2:05 PM" or "14:05". */
export const timeText = (unix) => clock(new Date(unix * 1000), { hour: "numeric", minute: "2-digit" });

/** A day as a comparable text, "2026-03-05". */
export function dayKey(unix) {
  const date = new Date(unix * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function relativeDay(unix, now) {
  const today = new Date(now * 1000);
  // By calendar, not by seconds: the days on which clocks change have 23 or 25 hours.
  for (const [step, word] of [[-1, "yesterday"], [0, "today"], [1, "tomorrow"]]) {
    const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() + step, 12);
    if (dayKey(day / 1000) === dayKey(unix)) return word;
  }
  return null;
}

function ago(unix, now) {
  const seconds = Math.abs(Math.round(now - unix));
  const units = [["day", DAY], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [name, size] = units.find(([, size]) => seconds >= size) ?? units.at(-1);
  const count = Math.floor(seconds / size);
  if (name === "second" && count < 10) return "just now";
  const words = `${count} ${name}${count === 1 ? "" : "s"}`;
  return unix > now ? `in ${words}` : `${words} ago`;
}

/** What a divider between days says: "Today", "Monday, March 2nd". */
export function dividerText(unix, now) {
  return formatDate(unix, "{day_divider_pretty}", now);
}

/** A date in Slack's format, such as "{date_short_pretty} at {time}". */
export function formatDate(unix, format, now) {
  const date = new Date(unix * 1000);
  const year = date.getFullYear();
  const month = part(date, { month: "long" });
  const short = part(date, { month: "short" });
  const weekday = part(date, { weekday: "long" });
  const near = Math.abs(unix - now) < 183 * DAY;
  const withYear = (text) => (near ? text : `${text}, ${year}`);
  const day = date.getDate();
  const pretty = (other) => relativeDay(unix, now) ?? other;
  const full = withYear(`${month} ${ordinal(day)}`);
  const long = withYear(`${weekday}, ${month} ${ordinal(day)}`);
  const brief = withYear(`${short} ${day}`);
  const thisYear = year === new Date(now * 1000).getFullYear();
  const words = {
    date_num: `${year}-${two(date.getMonth() + 1)}-${two(day)}`,
    date_slash: clock(date, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date: full,
    date_pretty: pretty(full),
    date_short: brief,
    date_short_pretty: pretty(brief),
    date_long: long,
    date_long_pretty: pretty(long),
    date_long_full: `${month} ${day}, ${year}`,
    day_divider_pretty: pretty(`${weekday}, ${month} ${ordinal(day)}${thisYear ? "" : `, ${year}`}`),
    time: timeText(unix),
    time_secs: clock(date, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: ago(unix, now),
  };
  const text = format.replace(/\{(\w+)\}/g, (token, name) => (Object.hasOwn(words, name) ? words[name] : token));
  // Slack begins a date with a capital: "Today at 14:05".
  return /^\{/.test(format) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
