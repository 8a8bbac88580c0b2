"""The images at hand: every ecosystem that can be opened, compiled when first asked for, at its own time or another."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from sandbox.core.clock import HOUR, Instant, InstantError, format_instant, local_date, parse_instant, wall_time
from sandbox.core.sandbox_errors import EcosystemInvalidError, EcosystemUnknownError
from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import open_image, open_rebuilt
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.rebuilding import Generator, RebuildError, hours_between, untouched
from sandbox.sandboxes.root import StateRoot
from sandbox.store.ecosystem import find, shipped
from sandbox.store.reading import EcosystemError, Manifest, stated_manifest
from sandbox.store.shifting import weeks_between

_WEEK = 7 * 24
"""Hours."""
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
        """By folder, and by how many hours their data were moved."""
        self._opening: dict[tuple[Path, int], asyncio.Task[Image]] = {}
        """What is being compiled: whoever asks for the same waits for it."""
        self._standings: dict[Path, _Standing] = {}
        """What folders are, as it was when they were first asked for."""
        self._generator = Generator()
        self._one_at_a_time = asyncio.Lock()
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
            move = self._standing(folder).move(as_of) or _weeks(open_image(folder, self._settings), as_of)
            image = self._opened(folder, move)
            self._keep(folder, move.hours, image)
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
            standing = await asyncio.to_thread(self._standing, folder)
            move = standing.move(as_of)
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
        before, stood = dict(self._images), self._standings.pop(self.folder, None)
        self._images = {place: image for place, image in before.items() if place[0] != self.folder}
        try:
            image = await self.image(self.name, self._as_of)
        except BaseException:
            self._images = before
            if stood is not None:
                self._standings[self.folder] = stood
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
        """Close every connection that stands ready, and end what is being built."""
        self._generator.stop()
        for image in self._images.values():
            image.close()

    async def _at_hand(self, folder: Path, move: "_Move") -> Image:
        """The image of a folder with its data moved. Only so many of those are kept."""
        place = (folder, move.hours)
        image = self._images.get(place)
        if image is None:
            task = self._opening.get(place)
            if task is None:
                task = self._opening[place] = asyncio.create_task(self._opened_in_turn(folder, move))
                task.add_done_callback(lambda _: self._opening.pop(place, None))
            image = await asyncio.shield(task)
        self._keep(folder, move.hours, image)
        return image

    async def _opened_in_turn(self, folder: Path, move: "_Move") -> Image:
        async with self._one_at_a_time:  # each takes the whole machine
            return await asyncio.to_thread(self._opened, folder, move)

    def _opened(self, folder: Path, move: "_Move") -> Image:
        """The image of a folder after a move: where it cannot be made anew, moved by whole weeks, with a warning."""
        if move.manifest is None or move.hours == 0:
            image = open_image(folder, self._settings, weeks=move.hours // _WEEK)
            told = f"{folder.name} was edited since it was built, so it was moved by whole weeks, paydays and all"
            return _warned(image, told) if move.edited else image
        try:
            return open_rebuilt(folder, move.manifest, self._settings, hours=move.hours, generator=self._generator)
        except RebuildError as error:
            image = open_image(folder, self._settings, weeks=move.hours // _WEEK)
            day = local_date(move.manifest.as_of + move.hours * HOUR)
            told = f"{folder.name} was not built anew for {day} but moved by whole weeks, paydays and all: {error}"
            return _warned(image, told)

    def _standing(self, folder: Path) -> "_Standing":
        if folder not in self._standings:
            made = untouched(folder)
            self._standings[folder] = _Standing(made, made or stated_manifest(folder))
        return self._standings[folder]

    def _keep(self, folder: Path, hours: int, image: Image) -> None:
        self._images.pop((folder, hours), None)
        self._images[folder, hours] = image
        moved = [place for place in self._images if place[1] != 0]
        for place in moved[:-_MOVED_AT_MOST]:
            del self._images[place]


class _Move(NamedTuple):
    """How the data of a folder come to another time: by so many hours, made anew from a manifest or moved in weeks."""

    hours: int
    manifest: Manifest | None = None
    edited: bool = False
    """Whether it was built, but is not what was built any more."""


class _Standing(NamedTuple):
    """What a folder is: the manifest where it is as the generator made it, and the manifest that it states."""

    made: Manifest | None
    stated: Manifest | None

    def move(self, as_of: Instant) -> _Move | None:
        """How it comes to `as_of`, or to the last moment before it that its data can reach.

        None where no manifest says at which time the folder stands, so that its data must be asked.
        """
        if self.made is not None:
            return _Move(hours_between(self.made.as_of, as_of), self.made)
        if self.stated is None:
            return None
        weeks = weeks_between(self.stated.as_of, as_of)
        return _Move(_WEEK * weeks, edited=weeks != 0 and self.stated.recipe is not None)


def _warned(image: Image, told: str) -> Image:
    image.facts = structs.replace(image.facts, warnings=(*image.facts.warnings, told))
    return image


def _weeks(own: Image, as_of: Instant) -> _Move:
    return _Move(_WEEK * weeks_between(own.now, as_of))


def _moved(image: Image, as_of: Instant, settings: Settings) -> Image:
    """The same bank with its clock at `as_of`, and everything done that falls due until then."""
    root = StateRoot(image, rules=structs.replace(settings, clock="frozen"), seed=image.facts.seed, generation=1)
    try:
        root.wake()
        root.advance(as_of)
        facts = structs.replace(image.facts, digest="", write_number=root.write_number, clock_base=root.clock.base)
        made = Image(root.data, facts, warm_copies=settings.warm_copies)
        made.folder, made.kept = image.folder, image.kept
        return made
    finally:
        root.close()
