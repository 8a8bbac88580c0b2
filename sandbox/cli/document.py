"""`sandbank openapi`: write the OpenAPI document, check that the committed one is no other, list what changed."""

from pathlib import Path
from typing import Any

import click

from sandbox.cli.files import make_folder, read_text, write_text
from sandbox.cli.options import fail
from sandbox.core.shipped import openapi_file


@click.command()
@click.option("--write", "target", type=click.Path(dir_okay=False, path_type=Path), help="write YAML to this file")
@click.option("--check", "known", type=click.Path(dir_okay=False, path_type=Path), help="fail when this file differs")
@click.option(
    "--changes", "released", type=click.Path(dir_okay=False, path_type=Path), help="list what differs from this file"
)
@click.option("--json", "as_json", is_flag=True, help="with --changes: print the list as JSON")
@click.option("--brief", is_flag=True, help="with --changes: count additions, and list the rest only")
@click.option("--path", "where", is_flag=True, help="print where the file lies that came with this version")
@click.pass_context
def openapi(
    context: click.Context,
    *,
    target: Path | None,
    known: Path | None,
    released: Path | None,
    as_json: bool,
    brief: bool,
    where: bool,
) -> None:
    """Print the OpenAPI document as YAML, write it with --write, or compare a file with --check.

    --changes lists what differs from the document of the last release, breaking changes first, and ends with exit code
    1 where something breaks that the version does not announce.
    """
    if sum([where, *(path is not None for path in (target, known, released))]) > 1:
        raise fail("--path, --write, --check and --changes go one at a time")
    if (as_json or brief) and released is None:
        raise fail(f"{'--json' if as_json else '--brief'} goes with --changes only")
    if as_json and brief:
        raise fail("--json lists everything: leave out --brief")
    if where:
        print(_shipped())
        return
    if released is not None:
        from sandbox.cli.changes import report_of, require_announced, show  # noqa: PLC0415 - only here

        report = report_of(released, described())
        show(report, as_json=as_json, brief=brief)
        require_announced(report, context)
        return
    text = document()
    if known is not None:
        if not known.exists():
            raise fail(f"there is no file {known}; `make openapi` writes it")
        if read_text(known) != text:
            raise fail(f"{known} is not what the handlers say. Run `make openapi` and commit it.")
        print(f"{known} is up to date")
    elif target is not None:
        make_folder(target.parent)
        write_text(target, text)
        print(f"wrote {target}")
    else:
        print(text, end="")


def _shipped() -> Path:
    """The file that came with this version.

    Raises:
        click.ClickException: somebody took it out.
    """
    file = openapi_file()
    if file is None or not file.is_file():
        raise fail("this installation has no openapi.yaml; `sandbank openapi --write openapi.yaml` makes one")
    return file


def document() -> str:
    """The document as YAML."""
    import yaml  # noqa: PLC0415 - only here

    text: str = yaml.safe_dump(described(), sort_keys=False, allow_unicode=True, width=110)
    return text


def described() -> dict[str, Any]:
    """The document."""
    from sandbox.app import create_app  # noqa: PLC0415 - only here
    from sandbox.core.settings import Settings  # noqa: PLC0415
    from sandbox.http.openapi import openapi_document  # noqa: PLC0415

    app = create_app(Settings(ecosystem="tiny"))  # the quickest: no route depends on the data
    schema = openapi_document(app.litestar)
    app.house.close()
    return schema
