"""The command line: `sandbank serve`, `health`, `config`, `ecosystem`, `scenario`, `openapi`, `reference`.

Commands read settings, call the rooms below and print for people; a mistake of the user's is one clear line and
exit code 2. Heavy imports stay inside the commands, so that `sandbank --help` is quick.
"""

import click

from sandbox import __version__
from sandbox.cli.commands import command_reference
from sandbox.cli.config import config
from sandbox.cli.document import openapi
from sandbox.cli.ecosystem import ecosystem
from sandbox.cli.health import health
from sandbox.cli.scenario import scenario
from sandbox.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sandbank", help="print the version")
def main() -> None:
    """Sandbank: a mock bank for tests."""


main.add_command(serve)
main.add_command(health)
main.add_command(config)
main.add_command(ecosystem)
main.add_command(scenario)
main.add_command(openapi)
main.add_command(command_reference)
