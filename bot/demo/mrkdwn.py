"""Text in Slack's messages: mrkdwn with its escapes, links, mentions and dates, and plain_text without them.

The rules are those of https://docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Iterator, Mapping

from bot.demo.payload_checks import FLAG, Check, object_of, string, typed

# A > in front of a line is mrkdwn's own sign for a quote; any other must be escaped.
_SPECIAL = re.compile(
    r"(?P<quote>^>+)|(?P<entity>&(?:amp|lt|gt);)|(?P<control><[^<>]*>)|(?P<bare>[&<>])", re.MULTILINE
)
_CONTROL = re.compile(
    r"""@[UW][A-Z0-9]+(?:\|[^|\n]+)?
    | \#[CG][A-Z0-9]+(?:\|[^|\n]*)?
    | !subteam\^S[A-Z0-9]+(?:\|[^|\n]+)?
    | !(?:here|channel|everyone)(?:\|[^|\n]+)?
    | !date\^\d+\^(?P<format>[^^|\n]+)(?:\^https?://[^\s^|]+)?\|[^|\n]+
    | (?:https?://|mailto:)[^\s|]+(?:\|[^|\n]+)?""",
    re.VERBOSE,
)
_DATE_WORD = re.compile(
    r"date(?:_num|_slash|_long_full|(?:_long|_short)?(?:_pretty)?)|day_divider_pretty|time(?:_secs)?|ago"
)


def mrkdwn(text: str) -> Iterator[str]:
    """Yield what Slack would not take in mrkdwn: bare signs, and links, mentions or dates that are none."""
    for found in _SPECIAL.finditer(text):
        if found.lastgroup == "bare":
            yield f"{found.group()!r} at character {found.start()} must be written &amp; &lt; or &gt;"
        elif found.lastgroup == "control":
            yield from _control(found.group())


def _control(sign: str) -> Iterator[str]:
    control = _CONTROL.fullmatch(sign[1:-1])
    if control is None:
        yield f"{sign!r} is no link, mention or date of mrkdwn"
        return
    if re.search(r"&(?!(?:amp|lt|gt);)", sign):
        yield f"'&' in {sign!r} must be written &amp;"
    if control["format"] is not None:
        words = re.findall(r"\{([^{}]*)\}", control["format"])
        if not words or not all(map(_DATE_WORD.fullmatch, words)):
            yield f"{sign!r} holds a date format that Slack does not know"


def _plain(text: str) -> Iterator[str]:
    if found := re.search(r"<(?:!|@[UW]|#C)", text):
        yield f"plain_text would show {found.group()!r}… (a date, mention or channel) as it is written"


def text_objects(limit: int) -> Mapping[str, Check]:
    """Return the kinds of text object, for text up to so many characters."""
    return {
        "plain_text": object_of({"text": string(limit, _plain)}, {"emoji": FLAG}),
        "mrkdwn": object_of({"text": string(limit, mrkdwn)}, {"verbatim": FLAG}),
    }


def any_text(limit: int) -> Check:
    """A text object of either kind."""
    return typed("text object", text_objects(limit))


def plain_text(limit: int) -> Check:
    """A text object of plain_text alone."""
    return typed("plain_text object", {"plain_text": text_objects(limit)["plain_text"]})
