"""Send made-up requests to the bot and count the answers: `python -m tests.fuzz 20000`."""

import asyncio
import sys
from time import monotonic

import click

from tests.fuzz.run import fuzz


@click.command()
@click.argument("count", type=click.IntRange(1), default=20_000)
@click.option("--seed", type=int, default=1, help="Other requests for another seed.")
def main(count: int, seed: int) -> None:
    """Print how each family of requests was answered; exit 1 if anything failed inside the bot."""
    began = monotonic()
    counted = asyncio.run(fuzz(count, seed))
    seconds = monotonic() - began
    click.echo(counted.table())
    click.echo(
        f"{counted.total} requests in {seconds:.0f} s, none a 5xx, {len(counted.failures)} failures inside"
    )
    for failure in counted.failures[:5]:
        click.echo(failure[:2000])
    sys.exit(1 if counted.failures else 0)


if __name__ == "__main__":
    main()
