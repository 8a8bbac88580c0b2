"""An ecosystem at hand: finding its folder, reading it whole, checking every rule."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sandbox.core.shipped import shipped_folder
from sandbox.store.checking import check, warn
from sandbox.store.reading import EcosystemError, Failure, RawEcosystem, survey, survey_files


class Ecosystem(msgspec.Struct, frozen=True):
    """A valid ecosystem and what is odd about it."""

    raw: RawEcosystem
    warnings: tuple[Failure, ...]


class EcosystemNotFoundError(LookupError):
    """Neither a folder nor the name of a shipped ecosystem."""


def shipped() -> dict[str, Path]:
    """The ecosystems that come with the package, by name."""
    home = shipped_folder("seeds")
    folders = () if home is None else sorted(home.iterdir())
    return {
        folder.name: folder
        for folder in folders
        if folder.is_dir() and not folder.name.startswith(".")  # those are half built
    }


def find(ecosystem: str) -> Path:
    """The folder of an ecosystem, given as a shipped name or a path.

    Raises:
        EcosystemNotFoundError: with the names there are.
    """
    known = shipped()
    if ecosystem in known:
        return known[ecosystem]
    folder = Path(ecosystem)
    names = ", ".join(known) or "none"
    try:
        if folder.is_dir():
            return folder.resolve()
    except OSError as error:  # no permission, too long a name, or the current directory was deleted
        raise EcosystemNotFoundError(
            f"the folder {ecosystem!r} cannot be opened: {error.strerror} (shipped: {names})"
        ) from None
    if folder.is_file():
        raise EcosystemNotFoundError(
            f"{ecosystem!r} is a file, and a folder is wanted, or the name of an ecosystem (shipped: {names})"
        )
    raise EcosystemNotFoundError(f"there is no folder {ecosystem!r} and no ecosystem of that name (shipped: {names})")


def load(folder: Path, *, default_password: bool = False) -> Ecosystem:
    """Read and check `folder`.

    Raises:
        EcosystemError: with every fault; nothing is half-loaded.
    """
    return _judged(str(folder), *survey(folder), default_password=default_password)


def load_files(name: str, files: Mapping[str, bytes], *, default_password: bool = False) -> Ecosystem:
    """Read and check files in memory, by file name; `name` says in messages what they are.

    Raises:
        EcosystemError: with every fault; nothing is half-loaded.
    """
    return _judged(name, *survey_files(name, files), default_password=default_password)


def _judged(place: str, raw: RawEcosystem, failures: list[Failure], *, default_password: bool) -> Ecosystem:
    faults = failures + check(raw)
    warnings = warn(raw, default_password=default_password)
    if faults:
        raise EcosystemError(place, faults, warnings)
    return Ecosystem(raw, tuple(warnings))


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of the folder's files: the ecosystem's part of the image cache's key."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".jsonl"} and path.is_file():
            raw = path.read_bytes()
            whole.update(f"{path.name}\n{len(raw)}\n".encode())
            whole.update(raw)
    return whole.hexdigest()
