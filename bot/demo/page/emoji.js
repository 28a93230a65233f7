// Slack's names of the emoji a bot is likely to use.

const NAMES = {
  warning: "⚠️", rotating_light: "🚨", red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", large_red_square: "🟥",
  large_yellow_square: "🟨", large_green_square: "🟩", white_check_mark: "✅", heavy_check_mark: "✔️",
  ballot_box_with_check: "☑️", x: "❌", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", exclamation: "❗",
  heavy_exclamation_mark: "❗", grey_exclamation: "❕", bangbang: "‼️", question: "❓", grey_question: "❔",
  information_source: "ℹ️", bell: "🔔", no_bell: "🔕", mute: "🔇", speaker: "🔈", loudspeaker: "📢", mega: "📣",
  zzz: "💤", sleeping: "😴", alarm_clock: "⏰", hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️",
  timer_clock: "⏲️", clock1: "🕐", clock3: "🕒", clock9: "🕘", calendar: "📆", date: "📅", spiral_calendar_pad: "🗓️",
  chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈", bar_chart: "📊", moneybag: "💰", euro: "💶",
  credit_card: "💳", money_with_wings: "💸", iphone: "📱", calling: "📲", telephone_receiver: "📞", envelope: "✉️",
  email: "📧", incoming_envelope: "📨", postbox: "📮", speech_balloon: "💬", satellite_antenna: "📡", electric_plug: "🔌",
  key: "🔑", lock: "🔒", unlock: "🔓", mag: "🔍", link: "🔗", gear: "⚙️", wrench: "🔧", hammer_and_wrench: "🛠️",
  clipboard: "📋", memo: "📝", pushpin: "📌", eyes: "👀", eye: "👁️", wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎",
  "-1": "👎", raised_hands: "🙌", ok_hand: "👌", pray: "🙏", tada: "🎉", rocket: "🚀", fire: "🔥", boom: "💥", ghost: "👻",
  robot_face: "🤖", bust_in_silhouette: "👤", smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔",
  disappointed: "😞", sob: "😭", arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️", arrow_upper_right: "↗️",
  arrow_lower_right: "↘️", repeat: "🔁", arrows_counterclockwise: "🔄", double_vertical_bar: "⏸️", arrow_forward: "▶️",
  black_square_for_stop: "⏹️", battery: "🔋", low_battery: "🪫", fuelpump: "⛽", sunny: "☀️", cloud: "☁️", star: "⭐",
  sparkles: "✨", bulb: "💡", construction: "🚧", shrug: "🤷", heart: "❤️",
};

/** The character for a name, or undefined. */
export const emoji = (name) => (Object.hasOwn(NAMES, name) ? NAMES[name] : undefined);
