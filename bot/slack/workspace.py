"""The workspace, or the organisation, that the bot's token belongs to, and the Bolt app bound to it."""

import asyncio
import logging
from dataclasses import replace

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.core.access import Installation
from bot.ports import NotDelivered
from bot.slack.actor import installed_by
from bot.slack.web_api import WebApi, answer_to

log = structlog.get_logger()

ASK_EVERY = 300.0
"""Seconds between two questions whether the token is still accepted."""

PAGES = 20
"""Of a thousand workspaces each: an organisation has no more."""


class Workspace:
    """Knows, once Slack was asked, who installed this bot."""

    def __init__(self, client: WebApi, ask_every: float = ASK_EVERY) -> None:
        self._client = client
        self._every = ask_every
        self._accepted = False
        self.installation: Installation | None = None

    @property
    def known(self) -> bool:
        """Whether Slack accepted the token when it was last asked."""
        return self._accepted

    async def keep_learning(self) -> None:
        """Ask again and again, for a token may be revoked; raises `NotDelivered` with Slack's reason."""
        while True:
            await self.learn()
            await asyncio.sleep(self._every)

    async def learn(self) -> None:
        """Ask Slack whose token this is (`auth.test`); raises `NotDelivered` with Slack's reason."""
        before = self._accepted
        try:
            answer = await answer_to(self._client.auth_test())
        finally:
            self._accepted = False
        installation = installed_by(answer.data)
        if installation is None:
            raise NotDelivered("server_fault", unknown=True)
        known = self.installation.workspaces if self.installation else frozenset()
        self.installation, self._accepted = replace(installation, workspaces=known), True
        if not before:
            log.info("slack.connected", team=answer.get("team"), user=answer.get("user"))
        if not installation.workspace or answer.get("is_enterprise_install") is True:
            self.installation = replace(installation, workspaces=await self._workspaces(known))

    async def _workspaces(self, known: frozenset[str]) -> frozenset[str]:
        """Return the workspaces that an organisation has approved the app for; the known ones if that fails.

        A press may name the workspace of whoever pressed and not say that it is one of the organisation's.
        """
        found: set[str] = set()
        cursor = ""
        try:
            for _ in range(PAGES):
                answer = await answer_to(self._client.auth_teams_list(limit=1000, cursor=cursor))
                found |= {str(one["id"]) for one in answer["teams"]}
                cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    break
        except (NotDelivered, LookupError, TypeError, AttributeError) as error:
            if isinstance(error, NotDelivered) and error.retry_after:
                raise
            log.warning("slack.workspaces_not_listed", error=str(error))
            found |= known
        return frozenset(found)

    def bolt_app(self) -> AsyncApp:
        """Build the Bolt app; everything is passed, so that it looks for nothing in the environment."""

        async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
            # Bolt reads the names of the arguments. Who is admitted is asked by a middleware of our own:
            # Bolt's refusal speaks of an installation, and answers presses over connections of its own.
            return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=self._client.token)

        return AsyncApp(
            name="smscredits",
            logger=logging.getLogger("slack_bolt"),
            client=self._client,
            signing_secret="verified by the receiver",  # noqa: S106 - not a secret: Bolt's own check is off
            request_verification_enabled=False,
            # Listeners return once they have acknowledged: else Bolt looks every 10 ms whether they did.
            process_before_response=True,
            authorize=authorize,
        )
