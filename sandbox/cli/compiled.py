"""`sandbank ecosystem compile`: put compiled images into the cache before anybody serves them.

It opens each ecosystem exactly as `serve` with the same settings does, so that the image is the one that is asked for
later: in a container's layer, or in a cache of CI.
"""

import os
import sys
from pathlib import Path

import click
from msgspec import structs

from sandbox.cli.options import fail, resolve, setting_options
from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.core.settings import Settings, cache_folder


@click.command("compile")
@click.argument("names", metavar="[ECOSYSTEM]...", nargs=-1)
@setting_options
def compile_images(*, names: tuple[str, ...], **flags: object) -> None:
    """Compile each ECOSYSTEM (a folder, or a shipped one's name) into the cache, so that its first start is fast.

    Give the settings that it will be served with: of them, --as-of, --hold-days, --password-cost and
    --default-password shape the image.
    """
    if names and flags.get("ecosystem") is not None:
        raise fail("name the ecosystem once: as an argument or with --ecosystem")
    settings = resolve(flags).settings
    if not settings.image_cache:
        raise fail("--no-image-cache: nothing would be kept; leave image_cache on")
    for name in names or (settings.ecosystem,):
        _compile(structs.replace(settings, ecosystem=name))


def _compile(settings: Settings) -> None:
    """Compile one, or find that it is there, and say so."""
    from sandbox.cli.opening import opened  # noqa: PLC0415 - the bank loads only where it is needed
    from sandbox.sandboxes.shelf import Shelf  # noqa: PLC0415

    begun = stopwatch()
    shelf, image = opened(lambda: Shelf.open(settings))
    took_s = elapsed_ms(begun) / 1_000
    shelf.close()
    for told in image.facts.warnings:
        print(f"warning: {told}", file=sys.stderr)
    if image.kept is None:
        raise click.ClickException(f"{settings.ecosystem}: was compiled, but cannot be kept in {_cache(settings)}")
    place = image.kept.place
    if image.kept.found:
        print(f"{settings.ecosystem}: is in the cache already, {place}")
    else:
        print(f"{settings.ecosystem}: compiled in {took_s:.1f} s, {place.stat().st_size / 1e6:.1f} MB, {place}")


def _cache(settings: Settings) -> str:
    try:
        folder = cache_folder(settings, environ=os.environ, home=Path.home, windows=os.name == "nt")
    except RuntimeError:
        return "a home folder, which this user does not have; set --cache-dir"
    return f"{folder}; set --cache-dir to a folder that can be written to"
