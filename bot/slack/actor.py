"""Who acts, and who installed the app, as Slack tells it: in another place for each kind of payload; pure.

In a channel shared over Slack Connect `team` is the workspace whose app is used, and only `user.team_id` the
person's own, in an Enterprise perhaps the organisation's (docs.slack.dev, "block_actions payload"). A view
has the person's own in `team`; an org-wide installation often has none. Events say the author's as
`user_team` or `team`, many of them not at all: where the channel is shared with nobody, the outer `team_id`
is the author's (docs.slack.dev, "Events API", "Slack Connect"). A command is typed where its `team_id` says.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.core.access import Actor, Installation
from bot.slack.press import person

_TEAM = re.compile(r"[TE][A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{1,30}")

Body = Mapping[str, Any]


def actor(body: Body) -> Actor:
    """Return who acts, and all that tells where they belong."""
    user, event = _part(body, "user"), _part(body, "event")
    return Actor(
        person(user.get("id") or body.get("user_id") or event.get("user") or event.get("user_id")),
        _ids(_own(body, user, event)),
        _ids(_meant_for(body)),
        frozenset(_organisations(body)),
    )


def installed_by(answer: object) -> Installation | None:
    """Read an answer of `auth.test`; with an org-wide token `team_id` is the organisation's, or missing."""
    found = answer if isinstance(answer, Mapping) else {}
    team, organisation = found.get("team_id"), found.get("enterprise_id")
    workspace = team if isinstance(team, str) else ""
    if workspace.startswith("E"):
        workspace, organisation = "", organisation or workspace
    installation = Installation(workspace, organisation if isinstance(organisation, str) else "")
    return installation if installation != Installation() else None


def channel_of(body: Body) -> str:
    """Return the id of the channel where it happened, if there is one."""
    channel = (
        _part(body, "channel").get("id") or body.get("channel_id") or _part(body, "event").get("channel")
    )
    return channel if isinstance(channel, str) and _CHANNEL.fullmatch(channel) else ""


def _own(body: Body, user: Body, event: Body) -> Iterator[object]:
    yield user.get("team_id")
    outer = body.get("team_id") or body.get("enterprise_id")
    if "command" in body:
        yield outer
    if event:
        of_the_author = (
            *map(event.get, ("user_team", "source_team", "team")),
            _part(event, "user_profile").get("team"),
        )
        yield from of_the_author
        if not any(of_the_author) and body.get("is_ext_shared_channel") is False:
            yield outer


def _meant_for(body: Body) -> Iterator[object]:
    yield _part(body, "team").get("id")
    yield from (one.get("team_id") or one.get("enterprise_id") for one in _authorizations(body)[:1])


def _organisations(body: Body) -> Iterator[tuple[str, str]]:
    team, view = _part(body, "team"), _part(body, "view")
    pairs = [
        (team.get("id"), team.get("enterprise_id")),
        (body.get("team_id"), body.get("enterprise_id")),
        (body.get("context_team_id"), body.get("context_enterprise_id")),
        *((one.get("team_id"), one.get("enterprise_id")) for one in _authorizations(body)),
    ]
    # `enterprise` is that of the workspace whose app is used; in a view `team` may be another.
    if view.get("app_installed_team_id") in {None, team.get("id")}:
        pairs.append((team.get("id"), _part(body, "enterprise").get("id")))
    for workspace, organisation in pairs:
        if _ids([workspace]) and _ids([organisation]):
            yield str(workspace), str(organisation)


def _authorizations(body: Body) -> list[Body]:
    named = body.get("authorizations")
    return [one for one in named if isinstance(one, Mapping)] if isinstance(named, list) else []


def _ids(found: Any) -> frozenset[str]:
    return frozenset(one for one in found if isinstance(one, str) and _TEAM.fullmatch(one))


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}
