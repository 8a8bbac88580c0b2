"""`sandbank ecosystem`: look at a folder of collections before it is served, and compile it ahead."""

import sys
from pathlib import Path

import click

from sandbox.cli.build import build
from sandbox.cli.compiled import compile_images
from sandbox.cli.files import renew_part
from sandbox.cli.options import fail
from sandbox.cli.report import report


@click.group()
def ecosystem() -> None:
    """Ecosystems: folders of JSON collections."""


ecosystem.add_command(build)
ecosystem.add_command(report)
ecosystem.add_command(compile_images)


@ecosystem.command()
@click.argument("folder")
@click.option("--default-password", default=None, help="for users whose hash cannot be verified")
def validate(folder: str, default_password: str | None) -> None:
    """Check FOLDER (or a shipped ecosystem) against every rule, post it to the ledger and check all invariants."""
    from sandbox.bank.invariants import check_invariants  # noqa: PLC0415 - the bank loads only where it is needed
    from sandbox.core.settings import Settings  # noqa: PLC0415
    from sandbox.sandboxes.compiling import compile_image  # noqa: PLC0415
    from sandbox.store.ecosystem import EcosystemNotFoundError, find  # noqa: PLC0415
    from sandbox.store.reading import EcosystemError  # noqa: PLC0415

    try:
        place = find(folder)
        image = compile_image(place, Settings(default_password=default_password))
    except EcosystemNotFoundError as error:
        raise fail(str(error)) from None
    except EcosystemError as error:
        for warning in error.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        for failure in error.failures:
            print(failure, file=sys.stderr)
        print(f"{error}. Nothing was loaded.", file=sys.stderr)
        raise SystemExit(1) from None
    facts = image.facts
    for told in facts.warnings:
        print(f"warning: {told}")
    report = check_invariants(image.reader)
    for check in report.checks:
        if not check.ok:
            print(f"invariant {check.name}: {check.detail}", file=sys.stderr)
    print(f"{place}: ecosystem {facts.ecosystem!r} is valid")
    print(f"  {len(image.data) / 1e6:.2f} MB image, digest {facts.digest}")
    print(f"  {len(report.checks)} invariants {'hold' if report.ok else 'were checked and some are broken'}")
    if not report.ok:
        raise SystemExit(1)


@ecosystem.command()
@click.option("--write", "page", type=click.Path(dir_okay=False, path_type=Path), help="renew the part of this page")
@click.option("--schemas", "folder", type=click.Path(file_okay=False, path_type=Path), help="write JSON Schemas here")
def reference(page: Path | None, folder: Path | None) -> None:
    """Print the reference of an ecosystem's files as Markdown, or write JSON Schemas (draft 2020-12) of them."""
    from sandbox.cli.reference import BEGIN, END, markdown, write_schemas  # noqa: PLC0415 - only here

    if page is not None:
        renew_part(page, markdown(), begin=BEGIN, end=END)
        print(f"wrote {page}")
    for path in write_schemas(folder) if folder is not None else ():
        print(f"wrote {path}")
    if page is None and folder is None:
        print(markdown(), end="")
