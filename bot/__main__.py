"""The command line: `python -m bot [run | demo | manifest]`."""

import asyncio
import errno
import json
import signal
import sys
from collections.abc import Coroutine

import click


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Watch prepaid SMS credits from Slack. Without a command: run."""
    if context.invoked_subcommand is None:
        context.invoke(run)


@main.command()
def run() -> None:
    """Run the bot: HTTP mode, or Socket Mode when SLACK_APP_TOKEN is set."""
    from bot import app, log, settings  # noqa: PLC0415 - heavy: the other commands do without

    try:
        chosen = settings.from_environment()
    except settings.FaultySettings as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(2)
    log.configure(chosen.log_level, chosen.log_format)
    log.warn(settings.warnings(chosen))

    async def until_stopped() -> None:
        stop = stop_signal()
        async with app.running(chosen):
            await stop.wait()

    _run(until_stopped(), "Set PORT to a free one.")


@main.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of the page."
)
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def demo(port: int, no_browser: bool) -> None:
    """Try the bot with a simulated provider and a Slack-like page: no account, no network."""
    from bot import log  # noqa: PLC0415 - heavy: the other commands do without
    from bot.demo.run import demonstrate  # noqa: PLC0415 - `run` never loads the simulators

    log.configure("warning", None)

    async def until_stopped() -> None:
        await demonstrate(port, stop_signal(), browser=not no_browser)

    _run(until_stopped(), "Choose another with --port.")


@main.command()
@click.option("--url", default="", metavar="https://HOST", help="Where the bot is reached, for HTTP mode.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (what the Slack CLI reads).")
def manifest(url: str, as_json: bool) -> None:
    """Print the Slack app's manifest, for Socket Mode unless a URL is given."""
    import yaml  # noqa: PLC0415 - only this command needs it

    from bot.slack.manifest import manifest as build  # noqa: PLC0415 - only this command needs it

    if url and not url.startswith("https://"):
        raise click.BadParameter("Slack calls https addresses only.", param_hint="--url")
    built = build(url)
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
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _run(work: Coroutine[None, None, None], mend: str) -> None:
    try:
        asyncio.run(work)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        click.echo(f"The port is in use by another program. {mend}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
