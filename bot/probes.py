"""What hosts and watchers ask over HTTP: `/readyz` and `/metrics`."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.health import Facts, Fault, Part, faults
from bot.ports import Clock, StoreAway
from bot.service.lookout import Lookout
from bot.text import Words

Exposition = Callable[[Facts, datetime, str, int], tuple[bytes, str]]
"""Writes the metrics down, for a client that accepts these types; returns them and their type."""


class Probes:
    """Answers probes from facts that are gathered in bounded time.

    `refused` is called for each who asks for the metrics and may not see them.
    """

    def __init__(self, lookout: Lookout, clock: Clock, words: Words, refused: Callable[[str], None]) -> None:
        self._lookout = lookout
        self._clock = clock
        self._words = words
        self._refused = refused

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether all that watching needs is there, and what is not: counts, no names and no figures."""
        found = faults(await self._lookout.facts(), self._clock.now())
        reasons = {fault.part.value: said(fault, self._words) for fault in found}
        body: Mapping[str, object] = {"ready": not found, "reasons": reasons}
        return web.json_response(body, status=503 if found else 200, headers={"Cache-Control": "no-store"})

    def metrics(self, exposition: Exposition, token: str) -> Handler:
        """Return what serves the metrics to whoever bears the token."""

        async def metrics(request: web.Request) -> web.StreamResponse:
            if not _bears(request, token):
                self._refused("wrong_token" if "Authorization" in request.headers else "no_token")
                challenge = {"WWW-Authenticate": 'Bearer realm="metrics"'}
                return web.Response(status=401, text="A bearer token is needed.\n", headers=challenge)
            facts = await self._lookout.facts()
            tasks = len(asyncio.all_tasks())
            body, kind = exposition(facts, self._clock.now(), request.headers.get("Accept", ""), tasks)
            return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})

        return metrics


def said(fault: Fault, words: Words) -> str:
    """Say in a few words what is amiss."""
    if fault.cause:
        return words.database_cause(StoreAway(fault.cause, fault.detail))
    lasts = _duration(fault.lasts)
    return {
        Part.SLACK: "not connected",
        Part.READINGS: f"{fault.count} of {fault.of} not read for {lasts}",
        Part.SCHEDULER: f"nothing done for {lasts}",
        Part.STATE: f"the stored state of {fault.count} of {fault.of} cannot be read",
        Part.NOTICES: f"{fault.count} not delivered for {lasts}",
    }[fault.part]


def _duration(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _bears(request: web.Request, token: str) -> bool:
    given = request.headers.getall("Authorization", [])
    scheme, _, credentials = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    # Compared as bytes: a header may hold what is not ASCII, for which `compare_digest` refuses texts.
    same = compare_digest(credentials.strip().encode(errors="surrogateescape"), token.encode())
    return scheme.lower() == "bearer" and same
