"""Who may ask the bot, and where; who may change something."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether somebody may, or why not."""

    ALLOWED = "allowed"
    PERSON_NOT_LISTED = "person_not_listed"
    CHANNEL_NOT_LISTED = "channel_not_listed"
    OTHER_WORKSPACE = "other_workspace"
    WORKSPACE_NOT_GIVEN = "workspace_not_given"
    INSTALLATION_UNKNOWN = "installation_unknown"


@dataclass(frozen=True)
class Actor:
    """A person as a request names them, and every workspace or organisation that they or it belongs to.

    `teams` are the person's, `through` those for whose installation of the app the request is meant;
    `organisations` are the pairs of workspace and organisation that the request tells.
    """

    user: str
    teams: frozenset[str] = frozenset()
    through: frozenset[str] = frozenset()
    organisations: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Installation:
    """The workspace that installed the app, and the organisation that it belongs to, or that installed it.

    `workspaces` are further ones that are known to be of the organisation.
    """

    workspace: str = ""
    organisation: str = ""
    workspaces: frozenset[str] = frozenset()

    def owns(self, teams: Iterable[str], organisations: frozenset[tuple[str, str]]) -> bool:
        """Whether all of these are the workspace, its organisation, or another workspace of that."""
        ours = {self.workspace, self.organisation, *self.workspaces}
        ours |= {workspace for workspace, organisation in organisations if organisation == self.organisation}
        return ours.issuperset(teams)


@dataclass(frozen=True)
class Access:
    """The people and the channels that are listed; without a list, all."""

    users: frozenset[str] | None = None
    channels: frozenset[str] | None = None

    def to_act(self, actor: Actor, installation: Installation | None, *, changes: bool) -> Verdict:
        """Judge where somebody comes from: a person who is listed may come from anywhere.

        Until it is known who installed the app, nobody may change anything.
        """
        if installation is None and changes:
            return Verdict.INSTALLATION_UNKNOWN
        if self.users is not None and actor.user in self.users:
            return Verdict.ALLOWED
        if not actor.teams:
            return Verdict.WORKSPACE_NOT_GIVEN
        if installation and not installation.owns(actor.teams | actor.through, actor.organisations):
            return Verdict.OTHER_WORKSPACE
        return Verdict.ALLOWED

    def to_command(self, user: str, channel: str) -> Verdict:
        """Judge a command: the person must be listed, and the channel."""
        verdict = self.to_press(user)
        # A person who is not listed hears of that first: no other channel would help.
        if verdict is Verdict.ALLOWED and self.channels is not None and channel not in self.channels:
            return Verdict.CHANNEL_NOT_LISTED
        return verdict

    def to_press(self, user: str) -> Verdict:
        """Judge a press: where the message stands is the bot's own choice."""
        return Verdict.ALLOWED if self.users is None or user in self.users else Verdict.PERSON_NOT_LISTED
