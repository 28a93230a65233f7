"""Who acts and where they belong, for each shape in which Slack tells it, and what they may then do.

The shapes are those of docs.slack.dev: "Slash commands", "block_actions payload", "view_submission payload",
"shortcuts", "Events API" (also of Slack Connect), "Org-ready apps".
"""

from typing import Any

import pytest

from bot.core.access import Access, Installation, Verdict
from bot.slack.actor import actor, channel_of

Json = dict[str, Any]

ALONE = Installation("T1")
"""A workspace of no organisation."""
GRID = Installation("T1", "E1")
"""A workspace of an organisation has installed the app for itself."""
ORG = Installation("", "E1", frozenset({"T1", "T2"}))
"""An organisation has installed it for all of its workspaces; these two are known."""

OURS, STRANGER = Verdict.ALLOWED, Verdict.OTHER_WORKSPACE
UNTOLD, TOO_EARLY = Verdict.WORKSPACE_NOT_GIVEN, Verdict.INSTALLATION_UNKNOWN


def command(team: str | None, organisation: str | None = None, **further: Any) -> Json:
    named = {"team_id": team, "enterprise_id": organisation}
    shape = {"command": "/smscredits", "text": "", "user_id": "U1", "channel_id": "C1"}
    return {**shape, **{name: one for name, one in named.items() if one}, **further}


def press(own: str | None, app_of: str | None = "T1", of: str | None = None, **further: Any) -> Json:
    """Return a press by a person of `own`, on the app of workspace `app_of` of organisation `of`."""
    return {
        "type": "block_actions",
        "user": {"id": "U1", "username": "u", **({"team_id": own} if own else {})},
        "team": {"id": app_of, "domain": "d"} if app_of else None,
        "enterprise": {"id": of, "name": "n"} if of else None,
        "is_enterprise_install": app_of is None,
        "channel": {"id": "C1", "name": "c"},
        "actions": [{"action_id": "ack", "value": "1"}],
        **further,
    }


def in_team(team: str, organisation: str) -> Json:
    return {"team": {"id": team, "domain": "d", "enterprise_id": organisation, "enterprise_name": "n"}}


def view(kind: str, own: str, team: str | None, of: str | None = None, installed: str | None = None) -> Json:
    shown = {"id": "V1", "team_id": team, **({"app_installed_team_id": installed} if installed else {})}
    return press(own, team, of, type=kind, view=shown)


def event(outer: str | None, own: Json, *, shared: bool | None = False, **further: Any) -> Json:
    flag = {} if shared is None else {"is_ext_shared_channel": shared}
    inner = {"type": "message", "user": "U1", "channel": "C1", **own}
    return {"type": "event_callback", "team_id": outer, "event": inner, **flag, **further}


def authorized(team: str | None, organisation: str | None, *, org_wide: bool = False) -> list[Json]:
    named = {"enterprise_id": organisation, "team_id": team, "user_id": "U9"}
    return [{**named, "is_bot": True, "is_enterprise_install": org_wide}]


SHAPES = [
    # what it is, who installed the app, what Slack sends, what may be changed
    ("a command typed at home", ALONE, command("T1"), OURS),
    ("a command typed in another workspace", ALONE, command("T9"), STRANGER),
    ("a command that does not say where", ALONE, command(None), UNTOLD),
    ("a command with no id in its place", ALONE, command("<!here>"), UNTOLD),
    ("a command with a number in its place", ALONE, command(None, team_id=7), UNTOLD),
    ("a command typed in the organisation, elsewhere", GRID, command("T2", "E1"), OURS),
    ("a command typed in another organisation", GRID, command("T9", "E9"), STRANGER),
    ("a command that names another workspace alone", GRID, command("T9"), STRANGER),
    ("a command, org-wide", ORG, command("T7", "E1", is_enterprise_install="true"), OURS),
    ("a command that names the organisation alone, org-wide", ORG, command(None, "E1"), OURS),
    ("a command of a stranger, org-wide", ORG, command("T9", is_enterprise_install="true"), STRANGER),
    ("a command of another organisation, org-wide", ORG, command("T9", "E9"), STRANGER),
    ("a press at home", ALONE, press("T1"), OURS),
    ("a press of a guest over Slack Connect", ALONE, press("T9"), STRANGER),
    ("a press of a guest from an organisation", ALONE, press("E9"), STRANGER),
    ("a press on another installation of the app", ALONE, press("T1", "T9"), STRANGER),
    ("a press that names only whose app it is", ALONE, press(None), UNTOLD),
    ("a press with something else in its place", ALONE, press("t1"), UNTOLD),
    (
        "a press of nobody",
        ALONE,
        {"type": "block_actions", "user": 7, "team": [], "enterprise": "E1"},
        UNTOLD,
    ),
    ("a press at home in an organisation", GRID, press("E1", "T1", "E1"), OURS),
    ("the same, with the workspace", GRID, press("T1", **in_team("T1", "E1")), OURS),
    ("a press of a colleague from another workspace", GRID, press("T2", **in_team("T2", "E1")), OURS),
    ("the same, with the organisation apart", GRID, press("T2", "T2", "E1"), OURS),
    ("a press of a guest in an organisation", GRID, press("T9", "T1", "E1"), STRANGER),
    ("a press of a guest's organisation", GRID, press("E9", **in_team("T1", "E1")), STRANGER),
    (
        "a press of a guest where ours is told thrice",
        GRID,
        press("T9", "T1", "E1", **in_team("T1", "E1")),
        STRANGER,
    ),
    ("a press of the organisation, unknown to auth.test", ALONE, press("E1", "T1", "E1"), STRANGER),
    ("a press without a workspace, org-wide", ORG, press("E1", None, "E1"), OURS),
    ("the same, with a workspace that is known", ORG, press("T2", None, "E1"), OURS),
    ("the same, with one that nobody knows", ORG, press("T9", None, "E1"), STRANGER),
    ("a press with both, org-wide", ORG, press("T7", **in_team("T7", "E1")), OURS),
    ("a guest's press with both, org-wide", ORG, press("E9", "T7", "E1"), STRANGER),
    ("a modal sent at home", ALONE, view("view_submission", "T1", "T1"), OURS),
    ("a modal sent by a guest", ALONE, view("view_submission", "T9", "T9", None, "T1"), STRANGER),
    ("a modal sent by a guest, org-wide", ORG, view("view_submission", "T9", "T9", "E1", "T1"), STRANGER),
    ("a modal closed at home", ALONE, view("view_closed", "T1", "T1", None, "T1"), OURS),
    ("a modal closed by a guest", ALONE, view("view_closed", "T9", "T9", None, "T1"), STRANGER),
    ("a modal sent, org-wide", ORG, view("view_submission", "T1", None, "E1"), OURS),
    ("a shortcut", ALONE, press("T1", type="shortcut"), OURS),
    ("a shortcut, org-wide", ORG, press("T1", None, "E1", type="shortcut"), OURS),
    ("a shortcut of a stranger", ALONE, press("T9", "T9", type="shortcut"), STRANGER),
    ("a message's shortcut of a guest", ALONE, press("T9", type="message_action"), STRANGER),
    ("a message's shortcut that does not tell", ALONE, press(None, type="message_action"), UNTOLD),
    ("a message at home", ALONE, event("T1", {"team": "T1"}), OURS),
    ("a message of a guest", ALONE, event("T9", {"team": "T9"}, shared=True, context_team_id="T1"), STRANGER),
    (
        "a message of ours in a guest's channel",
        ALONE,
        event("T1", {"team": "T1"}, shared=True, context_team_id="T9"),
        OURS,
    ),
    ("a mention by a guest", ALONE, event("T1", {"team": "T1", "user_team": "T9"}, shared=True), STRANGER),
    (
        "a mention by a guest of an organisation",
        ALONE,
        event("T1", {"team": "T1", "user_profile": {"team": "E9"}}, shared=True),
        STRANGER,
    ),
    ("a reaction at home", ALONE, event("T1", {}), OURS),
    ("a reaction in a shared channel", ALONE, event("T1", {}, shared=True), UNTOLD),
    ("a reaction that does not say whether it is shared", ALONE, event("T1", {}, shared=None), UNTOLD),
    (
        "the home tab opened",
        ALONE,
        event("T1", {"type": "app_home_opened"}, authorizations=authorized("T1", None)),
        OURS,
    ),
    (
        "the home tab of another installation",
        ALONE,
        event("T1", {}, authorizations=authorized("T9", None)),
        STRANGER,
    ),
    (
        "the home tab opened, org-wide",
        ORG,
        event("T7", {}, enterprise_id="E1", authorizations=authorized(None, "E1", org_wide=True)),
        OURS,
    ),
    (
        "the home tab, org-wide, as authorized",
        ORG,
        event("T7", {}, authorizations=authorized("T7", "E1", org_wide=True)),
        OURS,
    ),
    (
        "the home tab of another organisation",
        ORG,
        event("T9", {}, enterprise_id="E9", authorizations=authorized(None, "E9")),
        STRANGER,
    ),
    ("an event of no team", ORG, event(None, {}), UNTOLD),
]


@pytest.mark.parametrize(
    ("installation", "body", "verdict"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES]
)
def test_who_may_change_something_is_told_by_where_the_person_belongs(
    installation: Installation, body: Json, verdict: Verdict
) -> None:
    who = actor(body)
    assert Access().to_act(who, installation, changes=True) is verdict
    assert Access().to_act(who, installation, changes=False) is verdict


@pytest.mark.parametrize("body", [row[2] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_before_slack_has_said_whose_the_token_is_nothing_is_changed_but_questions_are_answered(
    body: Json,
) -> None:
    who = actor(body)
    assert Access().to_act(who, None, changes=True) is TOO_EARLY
    assert Access().to_act(who, None, changes=False) is (OURS if who.teams else UNTOLD)


@pytest.mark.parametrize("body", [press("T9"), press(None), command("T9"), event("T9", {"team": "T9"})])
def test_who_is_listed_may_come_from_anywhere_and_who_is_not_from_home_alone(body: Json) -> None:
    assert Access(frozenset({"U1"})).to_act(actor(body), ALONE, changes=True) is OURS
    assert Access(frozenset({"U2"})).to_act(actor(body), ALONE, changes=True) is not OURS


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (press("T1"), "C1"),
        (command("T1"), "C1"),
        (event("T1", {}), "C1"),
        (command("T1", channel_id="<!channel>"), ""),
        (event("T1", {"channel": {"id": "C1"}}), ""),
        ({}, ""),
    ],
)
def test_the_channel_of_a_refusal_is_an_id_or_nothing(body: Json, where: str) -> None:
    assert channel_of(body) == where
