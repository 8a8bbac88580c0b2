"""`sandbank openapi`: write the OpenAPI document, or check that the committed one is what the handlers say."""

from pathlib import Path

import click

from sandbox.cli.options import fail
from sandbox.core.shipped import openapi_file


@click.command()
@click.option("--write", "target", type=click.Path(dir_okay=False, path_type=Path), help="write YAML to this file")
@click.option("--check", "known", type=click.Path(dir_okay=False, path_type=Path), help="fail when this file differs")
@click.option("--path", "where", is_flag=True, help="print where the file lies that came with this version")
def openapi(target: Path | None, known: Path | None, *, where: bool) -> None:
    """Print the OpenAPI document as YAML, write it with --write, or compare a file with --check."""
    if where:
        print(_shipped())
        return
    text = document()
    if known is not None:
        if not known.exists() or known.read_text(encoding="utf-8") != text:
            raise fail(f"{known} is not what the handlers say. Run `make openapi` and commit it.")
        print(f"{known} is up to date")
    elif target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
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

    from sandbox.app import create_app  # noqa: PLC0415
    from sandbox.core.settings import Settings  # noqa: PLC0415
    from sandbox.http.openapi import openapi_document  # noqa: PLC0415

    app = create_app(Settings(ecosystem="tiny"))  # the quickest: no route depends on the data
    schema = openapi_document(app.litestar)
    app.house.close()
    text: str = yaml.safe_dump(schema, sort_keys=False, allow_unicode=True, width=110)
    return text
