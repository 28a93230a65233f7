"""In which form a channel takes messages: what it refused for its embellishment goes out barer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.reading import CONNECTION, Cause

LEFT_OUT_FOR = timedelta(hours=24)
"""What a channel refused is left out there for so long, then tried again."""


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


class Blame(StrEnum):
    """How far an embellishment is to blame for an error: tried without, not to blame alone, or to blame."""

    TRIED = "tried"
    CLEARED = "cleared"
    SURE = "sure"


@dataclass(frozen=True)
class Refusal:
    """That an embellishment may have been refused, with which error."""

    error: str
    since: datetime
    blame: Blame = Blame.TRIED


@dataclass(frozen=True)
class Refusals:
    """What each channel refused within the last day."""

    by_channel: Mapping[tuple[str, Embellishment], Refusal] = field(default_factory=dict)

    def left_out(self, channel: str, now: datetime) -> frozenset[Embellishment]:
        """Return what messages to a channel do without."""
        return frozenset(self.errors(channel, now))

    def errors(self, channel: str, now: datetime) -> Mapping[Embellishment, str]:
        """Return the same with the error of each."""
        known = self._known(channel, now)
        return {one: refusal.error for one, refusal in known.items() if refusal.blame is not Blame.CLEARED}

    def refused(
        self, channel: str, error: str, worn: frozenset[Embellishment], now: datetime
    ) -> tuple["Refusals", frozenset[Embellishment]]:
        """Take a refusal in; return what the next try does without, of what the message wore.

        Each suspect is left out alone first: one that is not to blame, a mention say, must not be lost. If
        none is to blame alone, all are left out. It is none if the message itself is refused: then nothing
        before was to blame for that error either.
        """
        known = {one: refusal for one, refusal in self._known(channel, now).items() if refusal.error == error}
        cleared = {
            one: Refusal(error, now, Blame.CLEARED)
            for one, refusal in known.items()
            if refusal.blame is not Blame.SURE
        }
        suspect = next((one for one in suspects(error) if one in worn and one not in known), None)
        if suspect:
            return self._with(channel, {**cleared, suspect: Refusal(error, now)}), frozenset({suspect})
        if any(refusal.blame is Blame.CLEARED for refusal in known.values()):
            return self._with(channel, {one: Refusal(error, now) for one in cleared}), frozenset(cleared)
        kept = {key: one for key, one in self.by_channel.items() if key[0] != channel or one.error != error}
        return Refusals(kept), frozenset()

    def taken(self, channel: str) -> "Refusals":
        """Take in that a message was taken: what it did without is to blame, and nothing else."""
        if all(where != channel or one.blame is Blame.SURE for (where, _), one in self.by_channel.items()):
            return self
        return Refusals(
            {
                (where, what): replace(one, blame=Blame.SURE) if where == channel else one
                for (where, what), one in self.by_channel.items()
                if where != channel or one.blame is not Blame.CLEARED
            }
        )

    def _known(self, channel: str, now: datetime) -> Mapping[Embellishment, Refusal]:
        return {
            what: one
            for (where, what), one in self.by_channel.items()
            if where == channel and one.since <= now < one.since + LEFT_OUT_FOR
        }

    def _with(self, channel: str, changed: Mapping[Embellishment, Refusal]) -> "Refusals":
        return Refusals({**self.by_channel, **{(channel, what): one for what, one in changed.items()}})
