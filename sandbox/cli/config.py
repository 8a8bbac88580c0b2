"""`sandbank config`: every setting, its value, and where it comes from."""

import json

import click

from sandbox.cli.options import resolve, setting_options


@click.command()
@setting_options
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def config(*, as_json: bool, **flags: object) -> None:
    """Print every setting with its value and its source; secrets are masked."""
    resolved = resolve(flags)
    shown = resolved.shown()
    if as_json:
        rows = {name: {"value": value, "source": resolved.sources[name]} for name, value in shown.items()}
        print(json.dumps(rows, indent=2))
        return
    width = max(map(len, shown))
    value_width = max(map(len, shown.values()))
    for name, value in shown.items():
        print(f"{name:<{width}}  {value:<{value_width}}  {resolved.sources[name]}")
