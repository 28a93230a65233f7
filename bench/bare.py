"""A Bolt app that does nothing but acknowledge: the floor of what a command costs."""

import asyncio
import sys

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.demo.run import BOT_TOKEN, SIGNING_SECRET

ANSWER = "sms: fine."
"""How the bot's own answer begins too."""


async def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=BOT_TOKEN)


async def _command(ack: AsyncAck) -> None:
    await ack(text=ANSWER)


async def _serve() -> None:
    """Serve until the parent closes our standard input."""
    app = AsyncApp(
        name="bare", signing_secret=SIGNING_SECRET, authorize=_authorize, process_before_response=True
    )
    app.command("/smscredits")(_command)

    async def receive(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    served = web.Application()
    served.router.add_post("/slack/events", receive)
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events", flush=True)  # noqa: T201 - what is waited for
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
