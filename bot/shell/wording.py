"""Every sentence that `check` and `doctor` print; what they share with Slack comes from `bot.text`."""

import re
from collections.abc import Mapping
from datetime import timedelta

from bot.core.form import Embellishment
from bot.core.model import Account, Policy, Product
from bot.core.reading import Cause, Failure
from bot.settings import Settings
from bot.shell.finding import Topic
from bot.text import Words
from bot.text.en import ENGLISH
from bot.text.figures import Figures

# check

READ_AT = "Read {at}."
NO_FIGURES = "-"
ABOVE_ALL = "above every threshold"
NO_RULES = "no threshold is set: only an empty account would be reported"
USED_UP = "nothing can be sent any more"
SUBACCOUNTS_LOW = "{count} of {of} sub-accounts low"
AND_MORE = "and {count} more"
NO_SUCH_ACCOUNT = "There is no account called “{name}”. There are: {names}."
OWN_FAULT = "{command}: a fault of this program ({kind}). Please report it."

# doctor

TOPICS = {
    Topic.SETTINGS: "settings",
    Topic.HOST: "host",
    Topic.THRESHOLDS: "thresholds",
    Topic.DATABASE: "database",
    Topic.LAST_POST: "last post",
    Topic.ACCOUNT: "account",
    Topic.SLACK_TOKEN: "Slack token",
    Topic.SCOPES: "Slack scopes",
    Topic.SOCKET_MODE: "Socket Mode",
    Topic.SIGNING_SECRET: "signing secret",
    Topic.CLOCK: "clock",
    Topic.POST: "test post",
}
WOULD_WORK = "The bot would work."
WOULD_WORK_WITH_WARNINGS = "The bot would work, with {warnings}."
WOULD_NOT_WORK = "The bot would not work: {problems}, {warnings}."
TRY_POST = "With --post a test alert and a reply to it are posted to every channel that is warned."
TOO_SLOW = "no result within {seconds} s"
FAULTY_SETTING = "{name} is missing or faulty"

SETTINGS_FINE = "none is missing or faulty"
HEROKU_SIGN = "DYNO"
HEROKU = "Heroku, with a database that lasts"
NO_ECO_DYNO = "Use a Basic dyno: an Eco dyno sleeps after 30 minutes, and the watch with it."
HOST_FINE = "{sign} is set: files do not last here, the database does"
WIPED = "{sign} is set: this host wipes its files, and SQLite with them, so the bot forgets what it posted"
USE_POSTGRESQL = "Set DATABASE_URL to PostgreSQL."
NO_THRESHOLD = "none is set: the channel is warned only when the account is empty or cannot be read"
SET_THRESHOLD = "Set {settings}."
ODD_SECRET = "SLACK_SIGNING_SECRET is not 32 digits and letters a to f, as Slack's are"  # noqa: S105 - a sentence
COPY_SECRET = "Copy it anew from “Basic Information” of the Slack app."  # noqa: S105 - a sentence
SECRET_FINE = "looks as Slack's do; only a request from Slack proves it"  # noqa: S105 - a sentence

SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"
NO_TABLES = "there are no tables yet"
NO_TABLES_YET = "{kind} can be written; its tables will be made at start"
FILE_WILL_BE_MADE = "SQLite: the file {path} will be made at start"
NO_FOLDER = "SQLite: there is no folder {folder}"
CLOSED_FOLDER = "SQLite: no file can be made in the folder {folder}"
OLDER = "{kind} can be written; version {version} will be migrated at start"
NEWER = "{kind} can be written; its version {version} is newer than this release knows ({known})"
DEPLOY_NEWER = "It works; deploy the newer release again when you can."
TRIAL_TABLES = "tables of a trial before the first release are there too; they are not used"
DROP_TRIAL_TABLES = "Drop them if nobody needs them: account, reading, episode, notice … and alembic_version."
ROW_UNREADABLE = "the row {row} of {table} cannot be read (its {column})"
DELETE_ROW = "Deploy the release that wrote it again, or delete the row."
DATABASE_FINE = "{kind} can be written; version {version}"
DATABASE_AWAY = "{kind}: {reason}"
DATABASE_IS_AWAY = "the database cannot be used"
CHECK_FILE = "Check the path in DATABASE_URL, and that the bot may write there."
NOTHING_POSTED = "nothing was posted yet"
LAST_POST = "{ago} ago in {channel}"
WAITS = "a message has been waiting for {ago}: {why}"
WAITS_UNTRIED = "a message has been waiting for {ago} and was not tried yet"
IS_IT_RUNNING = "Is the bot running?"
NO_TIME = timedelta(0)

NO_ACCOUNT = "no account is set, or its settings are faulty"
READ = "read: {figures}"

TOKEN_FINE = "{user} in {team}"  # noqa: S105 - a sentence
TOKEN_FINE_ORG_WIDE = (
    "{user} in {team}, for the whole organisation {organisation}: everyone in it is answered"  # noqa: S105
)
TOKEN_NOT_TAKEN = "Slack did not take the token"  # noqa: S105 - a sentence
SLACK_AWAY = "Slack did not answer as it should"
SCOPES_NOT_SAID = "Slack did not say which scopes the token has"
SCOPES_MISSING = "the token lacks {scopes}"
ADD_SCOPES = "Add it under “OAuth & Permissions”, and install the app again."
SCOPES_FURTHER = "more than is needed: {scopes}"
DROP_SCOPES = "Take it away under “OAuth & Permissions”, and install the app again."
SCOPES_FINE = "commands and chat:write, nothing else"
SLACK_STATUS = "Does this machine reach the internet? If it does, look at https://slack-status.com."
SLACK_ERRORS = "Look it up among the errors at https://docs.slack.dev/reference/methods/auth.test."
_SLACK_MENDS = {
    "network": SLACK_STATUS,
    "timeout": SLACK_STATUS,
    "ratelimited": "Try again in a minute.",
    "server_fault": "Look at https://slack-status.com, and whether a proxy or a wrong SLACK_API_URL answers.",
}
SOCKET_MODE_FINE = "Slack allows a connection"
NO_TIME_GIVEN = "Slack did not say what time it is"
CLOCK_FINE = "as Slack's"
CLOCK_FAST = "{off} ahead of Slack's"
CLOCK_SLOW = "{off} behind Slack's"
SIGNATURES_REFUSED = ": Slack's requests would be refused as too old or too new"
SET_CLOCK = "Set this machine's clock (NTP)."
POSTED = "posted to {channel}"
LEFT_OUT = "{posted}, but {whats}"
WITH_ERROR = "{what} ({error})"

_STATUS_PAGE = "https://status.smspartner.fr/status/nda-media"
_LATER = f"Try again later; if it lasts, look at {_STATUS_PAGE}."
_MENDS = {
    Cause.NETWORK: f"Does this machine reach the internet? If it does, look at {_STATUS_PAGE}.",
    Cause.TIMEOUT: _LATER,
    Cause.SERVER_FAULT: _LATER,
    Cause.NOT_JSON: _LATER,
    Cause.DEGRADED: _LATER,
    Cause.RATE_LIMITED: "Try again in a minute.",
    Cause.INCOMPLETE: _LATER,
    Cause.FIELD_MISSING: _LATER,
    Cause.FIELD_NOT_A_NUMBER: _LATER,
}
"""Instead of what a bot says that tries again by itself."""

_VOICE_LIMIT = "It allows 5 requests a minute, of which a running bot may make 4. Try again in a minute."


def cause(failure: Failure, account: Account, words: Words) -> str:
    """Say why an account, or the list of its sub-accounts, could not be read."""
    said = plain(words.cause(failure, account))
    return f"{plain(words.listing_failed(failure))} {said}" if failure.listing else said


def mend(failure: Failure, account: Account, words: Words) -> str:
    """Say what to do about it."""
    if failure.cause is Cause.RATE_LIMITED and account.product is Product.VOICE:
        return _VOICE_LIMIT
    return _MENDS.get(failure.cause) or plain(words.mend(failure, account))


def failure(failed: Failure, account: Account, words: Words) -> str:
    """Say both."""
    return with_mend(cause(failed, account, words), mend(failed, account, words))


def with_mend(said: str, mend: str) -> str:
    """Join what was found and the mend, if there is one, on one line."""
    said = said.removesuffix(".")
    return f"{said} → {mend.removesuffix('.')}" if mend else said


def words_of(settings: Settings) -> Words:
    """Return the bot's own words, which causes, mends and figures are said in."""
    accounts = {one.account.name: one.account for one in settings.watched}
    return Words(ENGLISH, Figures(ENGLISH.locale, settings.timezone), Policy(), accounts)


def slack_error(error: str, words: Words) -> tuple[str, str]:
    """Say why Slack refuses, and the mend."""
    said, mend = halves(printable(words.slack_error(error)), ": ")
    return said, _SLACK_MENDS.get(error) or mend or SLACK_ERRORS


def left_out(posted: str, refused: Mapping[Embellishment, str], words: Words) -> tuple[str, str]:
    """Say what of a message Slack refuses, and the mend."""
    parts = {one: halves(words.say.left_out[one], ": ") for one in Embellishment if one in refused}
    whats = [WITH_ERROR.format(what=what, error=printable(refused[one])) for one, (what, _) in parts.items()]
    said = LEFT_OUT.format(posted=posted, whats="; ".join(whats))
    return said, ". ".join(mend for _, mend in parts.values())


def halves(sentence: str, between: str) -> tuple[str, str]:
    """Part what is wrong from the mend, which begins with a capital."""
    said, _, mend = sentence.partition(between)
    return said, mend[:1].upper() + mend[1:]


def span(off: timedelta) -> str:
    """Say a difference of clocks."""
    seconds = round(off.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def counted(number: int, noun: str) -> str:
    """Say how many."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def printable(foreign: str) -> str:
    """Return somebody else's words, which must not steer the terminal, on one line."""
    return "".join(one if one.isprintable() else " " for one in foreign)


def plain(mrkdwn: str) -> str:
    """Return what was written for Slack as a terminal can show it (docs.slack.dev, "Formatting text")."""
    text = re.sub(r"<!date\^[^|>]*\|([^>]*)>", r"\1", mrkdwn)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r"\2 (\1)", text)
    text = re.sub("[`\u2068\u2069]", "", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
