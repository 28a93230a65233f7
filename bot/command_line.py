"""The commands, their options, and their exit codes."""

import asyncio
import contextlib
import errno
import io
import json
import re
import signal
import sys
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

import click

from bot.shell import NOT_CHECKED
from bot.shell.ending import SIGNALS, end, fail

_PORT_REFUSED = {
    errno.EADDRINUSE: "The port is in use by another program.",
    errno.EACCES: "The port is below 1024, which only root may serve.",
}
_ADDRESS_REFUSED = (
    "BIND_ADDRESS is no address of this machine. Set it to 127.0.0.1, or leave it out to serve all."
)


class WronglyAsked(click.UsageError):
    """Wrong usage of `check`, whose exit codes a watchdog reads: it too is no word on an account."""

    exit_code = NOT_CHECKED


class Check(click.Command):
    """The command `check`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        try:
            return super().parse_args(context, args)
        except click.UsageError as error:
            raise WronglyAsked(error.format_message(), context) from error


class Commands(click.Group):
    """All commands."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before the command's name, where nothing may stand."""
        asked_for_check = "check" in args
        try:
            return super().parse_args(context, args)
        except click.UsageError as error:
            if asked_for_check:
                raise WronglyAsked(error.format_message(), context) from error
            raise


class Port(click.IntRange):
    """A port as it is written: digits alone; Python's own `int` takes 8_080 and any alphabet's digits."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int:
        """Return the number."""
        if not re.fullmatch(r"[0-9]+", str(value), re.ASCII):
            self.fail(f"{value!r} is not a number: digits 0 to 9 only.", param, context)
        return int(super().convert(value, param, context))


def _reached_at(_context: click.Context, _option: click.Parameter, url: str | None) -> str:
    """Return where Slack reaches the bot, without the path that the manifest adds; empty if not asked for."""
    if url is None:
        return ""
    try:
        parts = urlsplit(url)
        reached = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:  # of the port too, where it is none
        parts, reached = urlsplit(""), False
    if not reached or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", url):
        raise click.BadParameter("Slack calls https addresses only, such as https://bot.example.com")
    return parts.geturl().rstrip("/").removesuffix("/slack/events")


@click.group(
    cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.pass_context
def commands(context: click.Context) -> None:
    """Watch prepaid SMS credits from Slack. Without a command: run."""
    # A terminal or a pipe that is not UTF-8 gets a "?" for an arrow; an error's exit code would be a verdict.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if context.invoked_subcommand is None:
        context.invoke(run)


@commands.command()
def run() -> None:
    """Run the bot: HTTP mode, or Socket Mode when SLACK_APP_TOKEN is set."""
    from bot import app, log, settings  # noqa: PLC0415 - heavy: the other commands do without

    try:
        chosen = settings.from_environment()
    except settings.FaultySettings as error:
        read = settings.partial_from_environment()
        for line in (*error.faults, *settings.slips(read.environment, read.settings)):
            click.echo(line, err=True)
        sys.exit(2)
    log.configure(chosen.log_level, chosen.log_format, chosen.secrets)
    log.warn(settings.warnings(chosen))

    async def until_stopped() -> None:
        stop = stop_signal()
        async with app.running(chosen):
            await stop.wait()

    _run(until_stopped(), "Set PORT to another.")


@commands.command()
@click.option("--port", type=Port(0, 65535), default=8080, show_default=True, help="Port of the page.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def demo(port: int, no_browser: bool) -> None:
    """Try the bot with a simulated provider and a Slack-like page: no account, no network."""
    from bot import log  # noqa: PLC0415 - heavy: the other commands do without
    from bot.demo.run import demonstrate  # noqa: PLC0415 - `run` never loads the simulators

    log.configure("warning", None)

    async def until_stopped() -> None:
        await demonstrate(port, stop_signal(), browser=not no_browser)

    _run(until_stopped(), "Choose another with --port.")


@commands.command(cls=Check)
@click.option("--account", metavar="NAME", help="Check this account alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: exact figures, rules, causes.")
def check(account: str | None, as_json: bool) -> None:
    """Read each account now, against the thresholds. Needs no Slack and no database.

    Nothing is stored and nobody is told; margins, mutes and what was known before count for nothing.

    Exit code: 0 all is well, 1 warning, 2 critical or empty, 3 not readable, wrong settings or wrong usage;
    of several accounts 2 goes before 3, and 3 before 1.
    """
    from bot.shell import check as shell  # noqa: PLC0415 - heavy: the other commands do without

    _quiet()
    _say_that_it_takes_a_while()

    async def checked() -> None:
        report = await shell.check(account, as_json=as_json)
        for line in (*report.faults, *report.warnings):
            click.echo(line, err=True)
        if report.text:
            with _written_or(NOT_CHECKED):
                click.echo(report.text)
        end(report.exit_code)

    try:
        asyncio.run(checked())
    except Exception as error:  # noqa: BLE001 - a traceback's exit code would say "warning"
        fail([shell.own_fault(error)], NOT_CHECKED)


@commands.command()
@click.option(
    "--post",
    is_flag=True,
    help="Post a test alert and a reply to every channel that is warned.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(post: bool, as_json: bool) -> None:
    """Look for what keeps the bot from working: settings, database, provider, Slack, clock.

    One line each: ok, warning, problem or skipped, what was found, and the mend. It ends within half a
    minute. Nothing is stored, and nobody is told unless --post is given.

    Exit code: 0 if the bot would work, else 1.
    """
    from bot.clock import SystemClock  # noqa: PLC0415 - heavy, as all that follows
    from bot.settings import partial_from_environment  # noqa: PLC0415 - heavy: the other commands do without
    from bot.shell import doctor as shell  # noqa: PLC0415 - heavy: the other commands do without

    _quiet()
    _say_that_it_takes_a_while()

    async def examined() -> None:
        found = await shell.examine(partial_from_environment(), SystemClock(), post=post)
        with _written_or(1):
            click.echo(shell.for_machines(found) if as_json else shell.for_people(found, post=post))
        end(shell.exit_code(found))

    asyncio.run(examined())


@commands.command()
@click.option(
    "--url",
    metavar="https://HOST",
    callback=_reached_at,
    help="Where the bot is reached, for HTTP mode.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (what the Slack CLI reads).")
def manifest(url: str, as_json: bool) -> None:
    """Print the Slack app's manifest, for Socket Mode unless a URL is given."""
    import yaml  # noqa: PLC0415 - only this command needs it

    from bot.slack.manifest import manifest as build  # noqa: PLC0415 - only this command needs it

    built = build(url)
    with _written_or(1):
        click.echo(
            json.dumps(built, indent=2, ensure_ascii=False)
            if as_json
            else yaml.safe_dump(built, sort_keys=False, allow_unicode=True, width=100),
            nl=as_json,
        )


def stop_signal() -> asyncio.Event:
    """Return the event that SIGTERM or SIGINT sets, once or many times."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


def _quiet() -> None:
    """Let no library speak between the lines of a command, and none be coloured where that is not wanted."""
    from bot import log  # noqa: PLC0415 - heavy: the other commands do without

    log.configure("critical", None)
    if not log.coloured():
        click.get_current_context().color = False


def _say_that_it_takes_a_while() -> None:
    """Whoever hangs is waited for: half a minute in silence is long at a terminal."""
    if sys.stderr.isatty():
        click.secho("Asking…", err=True, dim=True)


@contextlib.contextmanager
def _written_or(code: int) -> Iterator[None]:
    """End with this code where the result cannot be written: the disk is full, the reader is gone."""
    try:
        yield
    except OSError as error:
        fail([f"The result cannot be written: {error.strerror}."], code)


def _ignore_signals() -> None:
    """Ignore them from now on: a closing loop gives them their deadly default back."""
    loop = asyncio.get_running_loop()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _run(work: Coroutine[None, None, None], mend: str) -> None:
    async def to_the_end() -> None:
        try:
            await work
        finally:
            _ignore_signals()
        end(0)

    try:
        asyncio.run(to_the_end())
    except OSError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            click.echo(_ADDRESS_REFUSED, err=True)
        elif error.errno in _PORT_REFUSED:
            click.echo(f"{_PORT_REFUSED[error.errno]} {mend}", err=True)
        else:
            raise
        sys.exit(1)
