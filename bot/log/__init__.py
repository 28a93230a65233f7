"""Logs as structured events, for a terminal or for machines; the libraries' lines among them."""

import contextlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Literal

import structlog

from bot.log.redaction import net

_LIBRARIES = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "psycopg",
    "psycopg.pool",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "tzlocal",
)

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class _Handler(logging.StreamHandler[Any]):
    """Writes lines; of one that cannot be written it says no more than whose it was."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say that a line was lost: logging itself would print what it holds."""
        # A full disk, or a reader that is gone, must not end what was to be logged.
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f'{{"event": "log.lost", "level": "error", "logger": "{record.name}"}}\n')


def configure(level: str, log_format: Literal["console", "json"] | None, secrets: Iterable[str] = ()) -> None:
    """Log from `level` up to standard error; coloured on a terminal, else one JSON object a line.

    What is in `secrets`, or looks like one, is taken out of every line.
    """
    terminal = sys.stderr.isatty()
    colours = terminal and coloured()
    shape = log_format or ("console" if terminal else "json")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)]
        if shape == "console"
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *last,
                _redacting(net(secrets)),
            ],
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
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _crashed
    threading.excepthook = _thread_crashed


def coloured() -> bool:
    """Whether a terminal may be sent colours (https://no-color.org): no setting of the bot's."""
    around = os.environ  # noqa: TID251 - how to write, not what to do
    return not around.get("NO_COLOR") and around.get("TERM") != "dumb"


def warn(hints: Iterable[str]) -> None:
    """Log what is probably not meant in the settings."""
    for hint in hints:
        structlog.get_logger("bot.settings").warning("settings.check", hint=hint)


def _redacting(redact: Callable[[str], str]) -> structlog.types.Processor:
    """Return the last processor: it sees the line as it is written, its traceback included."""

    def process(_logger: Any, _method: str, line: Any) -> str:
        # What switches a colour ends with a letter: with nothing behind it no word would begin there.
        return redact(_COLOUR.sub("\\g<0>\0", str(line))).replace("\0", "")

    return process


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what ends the process, in the shape of all other lines: Python would print it as it is."""
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("bot").critical("bot.crashed", exc_info=(kind, error, trace))


def _thread_crashed(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)
