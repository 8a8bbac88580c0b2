"""The house: every sandbox of this server by id, the images they stand on, forks and resets.

`default` always exists. Nothing is made on sight: an unknown id is an error.
"""

import asyncio
import re
from pathlib import Path

from sandbox.core.errors import (
    EcosystemInvalidError,
    EcosystemUnknownError,
    Fault,
    SandboxExistsError,
    SandboxProtectedError,
    SandboxUnknownError,
    TooManySandboxesError,
    ValidationFailedError,
)
from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import open_image
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.store.ecosystem import find, shipped
from sandbox.store.reading import EcosystemError

DEFAULT = "default"
SANDBOX_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


class Sandbox:
    """One isolated bank: its id, what it is reset to, and its live state."""

    __slots__ = ("id", "name", "origin", "origin_image", "root", "seed")

    def __init__(self, sandbox_id: str, *, name: str | None, origin: str, root: StateRoot) -> None:
        self.id = sandbox_id
        self.name = name
        self.origin = origin
        """What it was made from: `ecosystem:x` or `sandbox:x`."""
        self.origin_image = root.image
        self.seed = root.seed
        """What a reset goes back to, unless it names another."""
        self.root = root


class House:
    """All sandboxes of one server."""

    def __init__(self, settings: Settings, image: Image, folder: Path) -> None:
        self.settings = settings
        self._images: dict[str, Image] = {folder.name: image}
        self._images.setdefault(image.facts.ecosystem, image)
        self._folders = {**shipped(), folder.name: folder}
        self._sandboxes: dict[str, Sandbox] = {}
        self._named = 0
        root = self._new_root(image, seed=settings.seed, generation=1)
        self._sandboxes[DEFAULT] = Sandbox(DEFAULT, name=None, origin=f"ecosystem:{folder.name}", root=root)

    @classmethod
    def open(cls, settings: Settings) -> "House":
        """Open the ecosystem of the settings and a `default` sandbox on it.

        Raises:
            EcosystemNotFoundError, EcosystemError: there is none, or it breaks a rule.
        """
        folder = find(settings.ecosystem)
        return cls(settings, open_image(folder, settings), folder)

    def all(self) -> list[Sandbox]:
        """Every sandbox, in the order in which they were made."""
        return list(self._sandboxes.values())

    def get(self, sandbox_id: str) -> Sandbox:
        """A sandbox by id.

        Raises:
            SandboxUnknownError: there is none; it is never made on sight.
        """
        found = self._sandboxes.get(sandbox_id)
        if found is None:
            raise SandboxUnknownError(
                f"There is no sandbox {sandbox_id[:80]!r}. POST /_sandbox/sandboxes makes one.",
                sandbox_id=sandbox_id[:80],
            )
        return found

    async def fork(
        self,
        *,
        sandbox_id: str | None,
        source: str | None,
        caller: str,
        seed: int | None,
        name: str | None,
    ) -> Sandbox:
        """Make a sandbox from `source` (default: the clean image that the caller's sandbox came from).

        Raises:
            SandboxExistsError: the id is taken.
            TooManySandboxesError: the cap is reached.
            SandboxUnknownError, EcosystemUnknownError, EcosystemInvalidError, ValidationFailedError: of the source.
        """
        self._require_room()
        wanted = sandbox_id or self._next_id()
        if not SANDBOX_ID.fullmatch(wanted):
            detail = "must be 1 to 63 of a-z, 0-9 and -, and not start with -"
            raise ValidationFailedError([Fault("/id", "wrong_format", detail)])
        self._require_free(wanted)
        origin, image, own_seed = await self._source(source, caller)
        # The source may have taken a moment to compile: somebody else may have been quicker.
        self._require_room()
        self._require_free(wanted)
        root = self._new_root(image, seed=own_seed if seed is None else seed, generation=1)
        made = Sandbox(wanted, name=name, origin=origin, root=root)
        self._sandboxes[wanted] = made
        return made

    async def reset(self, sandbox: Sandbox, *, ecosystem: str | None, seed: int | None) -> StateRoot:
        """Give a sandbox a fresh root on what it was made from, or on another ecosystem.

        Raises:
            EcosystemUnknownError, EcosystemInvalidError: of the ecosystem.
        """
        if ecosystem is not None:
            origin, image, _ = await self._source(f"ecosystem:{ecosystem}", sandbox.id)
            own_seed = self._seed_of(image, seed)
            if self.get(sandbox.id) is not sandbox:
                raise SandboxUnknownError("The sandbox was replaced while the ecosystem was compiled.")
            sandbox.origin, sandbox.origin_image, sandbox.seed = origin, image, own_seed
        old = sandbox.root
        chosen = sandbox.seed if seed is None else seed
        sandbox.root = self._new_root(sandbox.origin_image, seed=chosen, generation=old.generation + 1)
        old.retire()
        return sandbox.root

    def remove(self, sandbox_id: str) -> None:
        """Take a sandbox away; whoever works on it finishes.

        Raises:
            SandboxUnknownError: there is none.
            SandboxProtectedError: it is `default`.
        """
        found = self.get(sandbox_id)
        if sandbox_id == DEFAULT:
            raise SandboxProtectedError("The default sandbox always exists; reset it instead.")
        del self._sandboxes[sandbox_id]
        found.root.retire()

    def warm(self) -> None:
        """Make copies ready while the loop is idle."""
        for image in self._images.values():
            image.warm()

    def close(self) -> None:
        """Close every connection."""
        for sandbox in self._sandboxes.values():
            sandbox.root.close()
            sandbox.root.image.close()
            sandbox.origin_image.close()
        for image in self._images.values():
            image.close()

    def _new_root(self, image: Image, *, seed: int | None, generation: int) -> StateRoot:
        return StateRoot(image, rules=self.settings, seed=self._seed_of(image, seed), generation=generation)

    def _seed_of(self, image: Image, given: int | None) -> int:
        return next(seed for seed in (given, self.settings.seed, image.facts.seed) if seed is not None)

    def _require_room(self) -> None:
        most = self.settings.max_sandboxes
        if len(self._sandboxes) >= most:
            raise TooManySandboxesError(
                f"There are {most} sandboxes, as many as the settings allow. Delete some, or raise --max-sandboxes."
            )

    def _require_free(self, sandbox_id: str) -> None:
        if sandbox_id in self._sandboxes:
            raise SandboxExistsError(f"There is a sandbox {sandbox_id!r} already. Delete it first, or take another id.")

    def _next_id(self) -> str:
        while True:
            self._named += 1
            candidate = f"sb-{self._named}"
            if candidate not in self._sandboxes:
                return candidate

    async def _source(self, source: str | None, caller: str) -> tuple[str, Image, int | None]:
        """What a sandbox is made from: its name, its image, and the seed it brings (none: the settings' or its own)."""
        if source is None:
            from_caller = self.get(caller)
            return from_caller.origin, from_caller.origin_image, from_caller.seed
        kind, _, name = source.partition(":")
        if kind == "sandbox" and name:
            root = self.get(name).root
            return source, await root.capture(), root.seed
        if kind == "ecosystem" and name:
            return source, await self._image(name), None
        detail = "must be ecosystem:NAME or sandbox:ID"
        raise ValidationFailedError([Fault("/from", "wrong_format", detail)])

    async def _image(self, name: str) -> Image:
        if name not in self._images:
            folder = self._folders.get(name)
            if folder is None:
                known = ", ".join(sorted(self._folders))
                raise EcosystemUnknownError(f"There is no ecosystem {name[:80]!r} here. There are: {known}.")
            try:
                image = await asyncio.to_thread(open_image, folder, self.settings)
            except EcosystemError as error:
                first = "; ".join(str(failure) for failure in error.failures[:3])
                raise EcosystemInvalidError(f"{error}: {first}.") from None
            self._images.setdefault(name, image)
        return self._images[name]
