"""What the doctor found: one line each, with its mend."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands; only a problem keeps the bot from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class Topic(StrEnum):
    """What was looked at, by its stable name in JSON."""

    SETTINGS = "settings"
    HOST = "host"
    THRESHOLDS = "thresholds"
    DATABASE = "database"
    LAST_POST = "last_post"
    ACCOUNT = "account"
    SLACK_TOKEN = "slack_token"  # noqa: S105 - a topic, no token
    SCOPES = "scopes"
    SOCKET_MODE = "socket_mode"
    SIGNING_SECRET = "signing_secret"  # noqa: S105 - a topic, no secret
    CLOCK = "clock"
    POST = "post"


@dataclass(frozen=True)
class Finding:
    """One thing found; `subject` is the account or channel that it is about."""

    topic: Topic
    verdict: Verdict
    said: str
    mend: str = ""
    subject: str = ""


def ok(topic: Topic, said: str, mend: str = "", subject: str = "") -> Finding:
    """Return what is as it should be, with advice perhaps."""
    return Finding(topic, Verdict.OK, said, mend, subject)


def warning(topic: Topic, said: str, mend: str = "", subject: str = "") -> Finding:
    """Return what works and is probably not meant."""
    return Finding(topic, Verdict.WARNING, said, mend, subject)


def problem(topic: Topic, said: str, mend: str = "", subject: str = "") -> Finding:
    """Return what keeps the bot from working."""
    return Finding(topic, Verdict.PROBLEM, said, mend, subject)


def skipped(topic: Topic, reason: str, subject: str = "") -> Finding:
    """Return what could not be looked at, and why."""
    return Finding(topic, Verdict.SKIPPED, reason, "", subject)
