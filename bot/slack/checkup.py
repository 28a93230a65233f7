"""Slack asked from the command line: what it answers, and what its headers tell beside that."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ports import NotDelivered
from bot.slack.web_api import answer_to


@dataclass(frozen=True)
class Answered:
    """An answer of Slack's: whether it is a no, which scopes the token has, what time it is there (UTC)."""

    data: Mapping[str, Any]
    error: NotDelivered | None = None
    scopes: frozenset[str] | None = None
    time: datetime | None = None


async def asked(call: Awaitable[AsyncSlackResponse]) -> Answered:
    """Wait for Slack's answer, whatever it is."""
    refusal: list[SlackApiError] = []
    try:
        response = await answer_to(_noting(call, refusal))
    except NotDelivered as error:
        headers = getattr(refusal[0].response, "headers", {}) if refusal else {}
        data = getattr(refusal[0].response, "data", {}) if refusal else {}
        return Answered(data if isinstance(data, dict) else {}, error, _scopes(headers), _time(headers))
    return Answered(
        response.data if isinstance(response.data, dict) else {},
        None,
        _scopes(response.headers),
        _time(response.headers),
    )


async def _noting(call: Awaitable[AsyncSlackResponse], refusal: list[SlackApiError]) -> AsyncSlackResponse:
    """Keep Slack's refusal as it came: its headers are worth as much as those of a yes."""
    try:
        return await call
    except SlackApiError as error:
        refusal.append(error)
        raise


def _scopes(headers: Mapping[str, str]) -> frozenset[str] | None:
    """Return the scopes granted (docs.slack.dev, "Using the Web API"); None if Slack does not say."""
    granted = headers.get("x-oauth-scopes")
    return None if granted is None else frozenset(one.strip() for one in granted.split(",") if one.strip())


def _time(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers.get("Date") or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
