"""In which form a channel takes messages: what it refused for its embellishment goes out barer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.reading import CONNECTION, Cause

LEFT_OUT_FOR = timedelta(hours=24)
"""What a channel refused is left out there for so long, then tried again."""

ONE_DELIVERY = timedelta(minutes=1)
"""What was refused within so long for the same error was tried on the same message."""


class Embellishment(StrEnum):
    """What a message can do without: whom it mentions, its layout, its thread, what only programs read."""

    METADATA = "metadata"
    BLOCKS = "blocks"
    THREAD = "thread"
    MENTION = "mention"


OF_THE_MESSAGE = frozenset(
    {
        "access_denied",
        "accesslimited",
        "account_inactive",
        "cant_update_message",
        "channel_not_found",
        "deprecated_endpoint",
        "edit_window_closed",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "is_archived",
        "message_limit_exceeded",
        "message_not_found",
        "messages_tab_disabled",
        "method_deprecated",
        "missing_scope",
        "no_permission",
        "no_text",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "ratelimited",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "team_access_not_granted",
        "team_added_to_org",
        "team_not_found",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
        "unknown_method",
    }
)
"""Errors that no barer form heals (docs.slack.dev, "chat.postMessage" and "chat.update", errors)."""

_NEVER_ASKED = CONNECTION | {Cause.TIMEOUT}
"""Slack has refused nothing of what never reached it."""

_NAMED = (
    (("metadata",), Embellishment.METADATA),
    (("blocks", "block_mismatch", "attachment", "msg_too_long"), Embellishment.BLOCKS),
    (("reply", "thread", "broadcast"), Embellishment.THREAD),
    (("mention", "usergroup", "subteam"), Embellishment.MENTION),
)
"""What part of an error's name tells, for Slack adds errors of the same kinds."""


def suspects(error: str) -> tuple[Embellishment, ...]:
    """Return the embellishments that Slack may mean by an error, the likeliest first; none if the message."""
    if error in OF_THE_MESSAGE or error in _NEVER_ASKED:
        return ()
    if error == "restricted_action":
        # Also the error of a mention of everybody where only some people may make one.
        return Embellishment.MENTION, Embellishment.THREAD
    named = tuple(one for words, one in _NAMED if any(word in error for word in words))
    return named or tuple(Embellishment)


@dataclass(frozen=True)
class Refusal:
    """That an embellishment was refused, and with which error."""

    error: str
    since: datetime


@dataclass(frozen=True)
class Refusals:
    """What each channel refused within the last day."""

    by_channel: Mapping[tuple[str, Embellishment], Refusal] = field(default_factory=dict)

    def left_out(self, channel: str, now: datetime) -> frozenset[Embellishment]:
        """Return what messages to a channel do without."""
        return frozenset(self.errors(channel, now))

    def errors(self, channel: str, now: datetime) -> Mapping[Embellishment, str]:
        """Return the same with the error of each."""
        return {
            one: refusal.error
            for (where, one), refusal in self.by_channel.items()
            if where == channel and refusal.since <= now < refusal.since + LEFT_OUT_FOR
        }

    def refused(
        self, channel: str, error: str, worn: frozenset[Embellishment], now: datetime
    ) -> tuple["Refusals", Embellishment | None]:
        """Take a refusal in; return the embellishment it is put down to, of those that the message wore.

        It is none if the message itself is refused: then nothing before was to blame for that error either.
        """
        blamed = next((one for one in suspects(error) if one in worn), None)
        if blamed:
            return Refusals({**self.by_channel, (channel, blamed): Refusal(error, now)}), blamed
        return self._without(lambda where, one: where == channel and one.error == error), None

    def taken(self, channel: str) -> "Refusals":
        """Take in that a message was taken: of what was tried on it in turn, the last was to blame."""
        last: dict[str, datetime] = {}
        for (where, _), one in self.by_channel.items():
            if where == channel:
                last[one.error] = max(one.since, last.get(one.error, one.since))
        return self._without(
            lambda where, one: (
                where == channel and last[one.error] - ONE_DELIVERY < one.since < last[one.error]
            )
        )

    def _without(self, innocent: Callable[[str, Refusal], bool]) -> "Refusals":
        kept = {key: one for key, one in self.by_channel.items() if not innocent(key[0], one)}
        return self if len(kept) == len(self.by_channel) else Refusals(kept)
