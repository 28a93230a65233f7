"""Logs as structured events, for a terminal or for machines; the libraries' lines among them."""

import logging
import sys
from collections.abc import Iterable
from typing import Literal

import structlog

_LIBRARIES = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
)


def configure(level: str, log_format: Literal["console", "json"] | None) -> None:
    """Log from `level` up to standard error; coloured on a terminal, else one JSON object a line."""
    terminal = sys.stderr.isatty()
    shape = log_format or ("console" if terminal else "json")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=structlog.dev.plain_traceback)]
        if shape == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # At debug they print tokens and whole requests; their warnings are enough.
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # They warn of what is meant: our own authorization, and retries whose outcome is logged anyway.
    for name in ("slack_bolt", "stamina"):
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def warn(hints: Iterable[str]) -> None:
    """Log what is probably not meant in the settings."""
    for hint in hints:
        structlog.get_logger("bot.settings").warning("settings.check", hint=hint)
