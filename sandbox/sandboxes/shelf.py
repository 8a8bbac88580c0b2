"""The images at hand: every ecosystem that can be opened, compiled when first asked for, at its own time or another."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from sandbox.core.clock import DAY, Instant, InstantError, format_instant, local_date, parse_instant, wall_time
from sandbox.core.sandbox_errors import EcosystemInvalidError, EcosystemUnknownError
from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import open_image, open_rebuilt
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.rebuilding import RebuildError, days_between, untouched
from sandbox.sandboxes.root import StateRoot
from sandbox.store.ecosystem import find, shipped
from sandbox.store.reading import EcosystemError, Manifest, stated_manifest
from sandbox.store.shifting import weeks_between

_MOVED_AT_MOST = 4
"""How many images whose data were moved in time are kept ready; each holds megabytes."""
_EARLIEST, _LATEST = parse_instant("1970-01-01T00:00:00Z"), parse_instant("9000-01-01T00:00:00Z")


class AsOfError(ValueError):
    """A time that no bank can stand at."""


def parse_as_of(text: str) -> Instant:
    """The instant of `now` or an RFC 3339 timestamp.

    Raises:
        AsOfError: it is neither, or too far away.
    """
    if text == "now":
        return wall_time()
    try:
        found = parse_instant(text)
    except InstantError as error:
        raise AsOfError(f"{error}; or say now") from None
    if not _EARLIEST <= found < _LATEST:
        raise AsOfError(f"{text} lies outside of {format_instant(_EARLIEST)} to {format_instant(_LATEST)}")
    return found


class Shelf:
    """Images by the name of their ecosystem."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        """The ecosystem of the settings stands in `folder`."""
        self._settings = settings
        self._as_of = None if settings.as_of is None else parse_as_of(settings.as_of)
        self._folders = {**shipped(), folder.name: folder}
        self._images: dict[tuple[Path, int], Image] = {}
        """By folder, and by how many days their data were moved."""
        self.name = folder.name
        """The ecosystem of the settings."""

    @classmethod
    def open(cls, settings: Settings) -> "tuple[Shelf, Image]":
        """A shelf, and the image of the ecosystem of the settings.

        Raises:
            EcosystemNotFoundError, EcosystemError, AsOfError: there is none, it breaks a rule, or cannot be then.
        """
        shelf = cls(settings, find(settings.ecosystem))
        return shelf, shelf.first()

    def first(self) -> Image:
        """The image of the ecosystem of the settings, at the time of the settings.

        Raises:
            EcosystemError: it breaks its rules.
        """
        folder, as_of = self.folder, self._as_of
        if as_of is None:
            image = open_image(folder, self._settings)
            self._keep(folder, 0, image)
        else:
            move = _move(folder, as_of) or _weeks(open_image(folder, self._settings), as_of)
            image = _opened(folder, self._settings, move)
            self._keep(folder, move.days, image)
            image = image if as_of == image.now else _moved(image, as_of, self._settings)
        self._folders[image.facts.ecosystem] = folder  # a manifest may call it otherwise
        return image

    @property
    def folder(self) -> Path:
        """The folder of the ecosystem of the settings."""
        return self._folders[self.name]

    async def image(self, name: str, as_of: Instant | None) -> Image:
        """The image of an ecosystem, at `as_of` or at its own time.

        Raises:
            EcosystemUnknownError, EcosystemInvalidError: there is none of that name, or it breaks its rules.
        """
        folder = self._folders.get(name)
        if folder is None:
            names = ", ".join(sorted(self._folders))
            raise EcosystemUnknownError(f"There is no ecosystem {name[:80]!r} here. There are: {names}.")
        try:
            if as_of is None:
                return await self._at_hand(folder, _Move(0))
            move = await asyncio.to_thread(_move, folder, as_of)
            image = await self._at_hand(folder, move or _weeks(await self._at_hand(folder, _Move(0)), as_of))
        except EcosystemError as error:
            first = "; ".join(str(failure) for failure in error.failures[:3])
            raise EcosystemInvalidError(f"{error}: {first}.") from None
        return image if as_of == image.now else await asyncio.to_thread(_moved, image, as_of, self._settings)

    async def reload(self) -> Image:
        """Compile the ecosystem of the settings again, at the time that it was opened at.

        Raises:
            EcosystemInvalidError: it breaks its rules; the images of before stand.
        """
        before = dict(self._images)
        self._images = {place: image for place, image in before.items() if place[0] != self.folder}
        try:
            image = await self.image(self.name, self._as_of)
        except BaseException:
            self._images = before
            raise
        for place, old in before.items():
            if place[0] == self.folder:
                old.close()
        return image

    def warm(self) -> None:
        """Make copies ready while the loop is idle."""
        for image in self._images.values():
            image.warm()

    def close(self) -> None:
        """Close every connection that stands ready."""
        for image in self._images.values():
            image.close()

    async def _at_hand(self, folder: Path, move: "_Move") -> Image:
        """The image of a folder with its data moved. Only so many of those are kept."""
        image = self._images.get((folder, move.days))
        if image is None:
            image = await asyncio.to_thread(_opened, folder, self._settings, move)
        self._keep(folder, move.days, image)
        return image

    def _keep(self, folder: Path, days: int, image: Image) -> None:
        self._images.pop((folder, days), None)
        self._images[folder, days] = image
        moved = [place for place in self._images if place[1] != 0]
        for place in moved[:-_MOVED_AT_MOST]:
            del self._images[place]


class _Move(NamedTuple):
    """How the data of a folder come to another time: by so many days, made anew from a manifest or moved in weeks."""

    days: int
    manifest: Manifest | None = None


def _move(folder: Path, as_of: Instant) -> _Move | None:
    """How a folder comes to `as_of`, or to the last moment before it that its data can reach.

    None where the manifest does not say at which time the folder stands, so that its data must be asked.
    """
    made = untouched(folder)
    if made is not None:
        return _Move(days_between(made.as_of, as_of), made)
    stated = stated_manifest(folder)
    return None if stated is None else _Move(7 * weeks_between(stated.as_of, as_of))


def _weeks(own: Image, as_of: Instant) -> _Move:
    return _Move(7 * weeks_between(own.now, as_of))


def _opened(folder: Path, settings: Settings, move: _Move) -> Image:
    """The image of a folder after a move: where it cannot be made anew, moved by whole weeks, with a warning."""
    if move.manifest is None or move.days == 0:
        return open_image(folder, settings, weeks=move.days // 7)
    try:
        return open_rebuilt(folder, move.manifest, settings, days=move.days)
    except RebuildError as error:
        image = open_image(folder, settings, weeks=move.days // 7)
        day = local_date(move.manifest.as_of + move.days * DAY)
        told = f"{folder.name} was not built anew for {day} but moved by whole weeks, paydays and all: {error}"
        image.facts = structs.replace(image.facts, warnings=(*image.facts.warnings, told))
        return image


def _moved(image: Image, as_of: Instant, settings: Settings) -> Image:
    """The same bank with its clock at `as_of`, and everything done that falls due until then."""
    root = StateRoot(image, rules=structs.replace(settings, clock="frozen"), seed=image.facts.seed, generation=1)
    try:
        root.wake()
        root.advance(as_of)
        facts = structs.replace(image.facts, digest="", write_number=root.write_number, clock_base=root.clock.base)
        made = Image(root.data, facts, warm_copies=settings.warm_copies)
        made.folder = image.folder
        return made
    finally:
        root.close()
