"""The workspace that the bot's token belongs to, and the Bolt app bound to it."""

import logging
from typing import cast

import aiohttp
import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import NotDelivered

log = structlog.get_logger()


class Workspace:
    """Knows, once Slack was asked, which team may use this bot."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: AuthorizeResult | None = None

    async def learn(self) -> None:
        """Ask Slack whose token this is (`auth.test`); raises `NotDelivered` with Slack's reason."""
        try:
            answer = await self._client.auth_test()
        except SlackApiError as error:
            data = error.response.data
            reason = data.get("error") if isinstance(data, dict) else None
            raise NotDelivered(reason or "server_fault", permanent=bool(reason)) from None
        except (aiohttp.ClientError, OSError):
            raise NotDelivered("network") from None
        self._known = AuthorizeResult(
            enterprise_id=answer.get("enterprise_id"),
            team_id=answer.get("team_id"),
            bot_token=self._client.token,
            bot_id=answer.get("bot_id"),
            bot_user_id=answer.get("user_id"),
        )
        log.info("slack.connected", team=answer.get("team"), user=answer.get("user"))

    def _admitted(self, enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        """Admit requests of our own team; while Slack has not said which that is, its signature suffices."""
        if self._known is None:
            return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=self._client.token)
        return self._known if team_id in {None, self._known.team_id} else None

    def bolt_app(self) -> AsyncApp:
        """Build the Bolt app; everything is passed, so that it looks for nothing in the environment."""

        async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
            # Bolt reads the names of the arguments, so no method will do; `None` refuses, as it documents.
            return cast("AuthorizeResult", self._admitted(enterprise_id, team_id))

        return AsyncApp(
            name="smscredits",
            logger=logging.getLogger("slack_bolt"),
            client=self._client,
            signing_secret="verified by the receiver",  # noqa: S106 - not a secret: Bolt's own check is off
            request_verification_enabled=False,
            authorize=authorize,
        )
