"""From Slack to the bot: commands and presses, signed over HTTP or through Socket Mode, and the answers.

The rules are those of https://docs.slack.dev/interactivity: what a payload holds, how it is signed, and that
the whole answer must be there within three seconds.
"""

import asyncio
import hashlib
import hmac
import html
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import aiohttp

from bot.demo.blockkit import faults
from bot.demo.pressing import action_of, state_of
from bot.demo.response_urls import ResponseUrls
from bot.demo.socket_mode import SocketLinks
from bot.demo.workspace import (
    APP_ID,
    BOT_USER,
    CHANNELS,
    SLACKBOT,
    TEAM_DOMAIN,
    TEAM_ID,
    USERS,
    Channel,
    Json,
    Message,
    User,
    Workspace,
)


@dataclass(frozen=True)
class CommandResult:
    """How the bot answered a slash command within Slack's patience, and what the person then saw."""

    status: int | None
    body: Json
    seconds: float
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class PressResult:
    """How the bot took the press of a button or the choice from a menu; None: not in time, or not at all."""

    status: int | None
    seconds: float


@dataclass(frozen=True)
class _Delivery:
    seconds: float
    status: int | None
    body: Json | None
    """What the answer says; None where it is no object."""
    error: str | None


class Interactions(Workspace):
    """A workspace in which people type commands and press buttons."""

    def __init__(self, signing_secret: str, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self.origin = ""
        self.bot_url = ""
        self.patience = 3.0
        self.press_failed: set[str] = set()
        self.guests: dict[str, User] = {}
        """People of other workspaces, met in a channel shared over Slack Connect."""
        self.enterprise_id = ""
        """The organisation that the workspace belongs to, if it does."""
        self.org_wide = False
        """Whether that organisation has installed the app, for all of its workspaces."""
        self.links = SocketLinks(APP_ID)
        self.response_urls = ResponseUrls(self)
        self._signing_secret = signing_secret
        self._verification = secrets.token_hex(12)

    @property
    def socket_connected(self) -> bool:
        """Whether a Socket Mode client is there to take a command or a press."""
        return self.links.connected

    async def command(
        self, text: str, *, user: str = "U0ALICE", channel: str = "C0ALERTS", command: str = "/smscredits"
    ) -> CommandResult:
        """Type a slash command and show what the bot makes of it within Slack's patience.

        Raises:
            LookupError: there is no such user or channel.
        """
        who, where = self._person(user), CHANNELS[channel]
        form = {
            "token": self._verification,
            "team_id": who.team_id,
            "team_domain": TEAM_DOMAIN,
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": who.id,
            "user_name": who.name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": str(self.org_wide).lower(),
            **(
                {"enterprise_id": self.enterprise_id}
                if self.enterprise_id and not self._is_guest(who)
                else {}
            ),
            "response_url": self.origin + self.response_urls.open(where.id, who.id),
            "trigger_id": _trigger_id(),
        }
        delivery = await self._deliver("slash_commands", form, form)
        if delivery.error is None:
            shown = self._answer(delivery.body, f"{command} {text}".strip(), who, where)
        else:
            shown = [self._complain(f'{command} failed with the error "{delivery.error}"', who, where)]
        return CommandResult(delivery.status, delivery.body or {}, delivery.seconds, tuple(shown))

    def _answer(self, body: Json | None, typed: str, who: User, where: Channel) -> list[Message]:
        if wrong := _wrong(body):
            self.refusals.extend(f"{typed}: {fault}" for fault in wrong)
            return [self._complain(f"invalid payload: {'; '.join(wrong)}", who, where)]
        said, shown = body or {}, []
        in_channel = said.get("response_type") == "in_channel"
        if in_channel:
            line = {"text": html.escape(typed, quote=False)}
            shown.append(self.show(where.id, who.id, line, kind="command"))
        if said.get("text"):
            reader = None if in_channel else who.id
            shown.append(self.show(where.id, BOT_USER.id, said, ephemeral_for=reader))
        return shown

    def _complain(self, complaint: str, who: User, where: Channel) -> Message:
        said = {"text": html.escape(complaint, quote=False)}
        return self.show(where.id, SLACKBOT.id, said, ephemeral_for=who.id)

    async def press(
        self,
        message: Message,
        action_id: str,
        *,
        user: str = "U0ALICE",
        value: str | None = None,
        selected_option: str | None = None,
    ) -> PressResult:
        """Press a button, or choose `selected_option` (its value) from a menu, of a message as it was shown.

        Raises:
            LookupError: this message has no such element (with that value), or that user cannot see it.
        """
        who, where = self._person(user), CHANNELS[message.channel]
        if message.ephemeral_for not in {None, who.id}:
            raise LookupError(f"{user} cannot see the message {message.ts}")
        action = action_of(message, action_id, value, selected_option)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": who.id, "username": who.name, "name": who.name, "team_id": self._belongs_to(who)},
            "api_app_id": APP_ID,
            "token": self._verification,
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": where.id,
                "is_ephemeral": message.ephemeral_for is not None,
                **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            },
            "trigger_id": _trigger_id(),
            **self._installation(),
            "channel": {"id": where.id, "name": where.name},
            # Slack keeps no copy of an ephemeral message, so it cannot send one along.
            **({} if message.ephemeral_for else {"message": message.as_json()}),
            "state": state_of(message, action),
            "response_url": self.origin + self.response_urls.open(where.id, who.id, message),
            "actions": [{**action, "action_ts": self.next_ts()}],
        }
        delivery = await self._deliver("interactive", payload, {"payload": json.dumps(payload)})
        (self.press_failed.add if delivery.error else self.press_failed.discard)(message.ts)
        self.tell()
        return PressResult(delivery.status, delivery.seconds)

    def _person(self, user: str) -> User:
        return self.guests.get(user) or USERS[user]

    def _is_guest(self, who: User) -> bool:
        return who.id in self.guests

    def _belongs_to(self, who: User) -> str:
        """Return what an interaction says as `user.team_id`: in an Enterprise the organisation."""
        return who.team_id if self._is_guest(who) else self.enterprise_id or who.team_id

    def _installation(self) -> Json:
        """Return what an interaction says of whose app is used; it is silent about the guest's."""
        organisation = {"id": self.enterprise_id, "name": "Demo organisation"} if self.enterprise_id else None
        named = {"enterprise_id": self.enterprise_id} if self.enterprise_id else {}
        team = None if self.org_wide else {"id": TEAM_ID, "domain": TEAM_DOMAIN, **named}
        return {"team": team, "enterprise": organisation, "is_enterprise_install": self.org_wide}

    def signed_headers(self, body: str) -> dict[str, str]:
        """Return the headers with which Slack sends a form to the bot, its signature among them."""
        stamp = str(int(self.clock().timestamp()))
        signed = hmac.new(self._signing_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256)
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }

    async def _deliver(self, kind: str, payload: Json, form: dict[str, str]) -> _Delivery:
        started = time.perf_counter()
        status: int | None = None
        answer: object = ""
        error = None
        try:
            async with asyncio.timeout(self.patience):
                if self.bot_url:
                    status, answer = await self._post(urlencode(form))
                else:
                    acknowledged = await self.links.deliver(kind, payload)
                    status, answer = 200, acknowledged.get("payload", "")
        except TimeoutError:
            error = "operation_timeout"
        except (aiohttp.ClientError, OSError):
            error = "dispatch_failed"
        if status not in {None, 200}:
            answer, error = "", "dispatch_failed"
        return _Delivery(time.perf_counter() - started, status, _body(answer), error)

    async def _post(self, form: str) -> tuple[int, object]:
        headers = self.signed_headers(form)
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.bot_url, data=form.encode(), headers=headers, allow_redirects=False) as response,
        ):
            text = await response.text()
            if response.content_type != "application/json":
                return response.status, text
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, None


def _trigger_id() -> str:
    return f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"


def _body(answer: object) -> Json | None:
    """Read a 200 body or an acknowledgement's payload, which may be words instead of an object."""
    if isinstance(answer, str):
        return {"text": answer} if answer.strip() else {}
    return answer if isinstance(answer, dict) else None


def _wrong(body: Json | None) -> tuple[str, ...]:
    if body is None:
        return ("the body is no JSON object",)
    return faults(body) if body.get("text") or body.get("blocks") else ()
