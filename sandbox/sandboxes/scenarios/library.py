"""The scenarios at hand: shipped ones, those of the ecosystem's folder, and the user's own, by name.

The user's own stand before the ecosystem's, those before the shipped ones. A file that breaks a rule takes nothing else
with it: its faults are kept, and asking for it names them.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from sandbox.core.sandbox_errors import ScenarioInvalidError, ScenarioUnknownError
from sandbox.core.settings import Settings
from sandbox.core.shipped import shipped_folder
from sandbox.sandboxes.scenarios.files import read_scenario
from sandbox.sandboxes.scenarios.model import Apply, Scenario, ScenarioFault
from sandbox.sandboxes.scenarios.reader import Scope, check_templates
from sandbox.sandboxes.scenarios.values import MisfitError, has_templates, settled

OWN = Path("scenarios")
"""The user's own folder, when no other is set."""
SUFFIX = ".yaml"
_OTHER_SUFFIX = ".yml"


class Library(NamedTuple):
    """Every scenario that can be applied, and the faults of the files that cannot, by name.

    `misnamed` are files beside them that are not read, since their names end in `.yml`.
    """

    scenarios: Mapping[str, Scenario]
    faults: Mapping[str, tuple[ScenarioFault, ...]]
    misnamed: tuple[Path, ...] = ()

    def get(self, name: str) -> Scenario:
        """A scenario by name.

        Raises:
            ScenarioUnknownError: there is none; the ones there are are named.
            ScenarioInvalidError: its file, or that of one it applies, breaks a rule.
        """
        found = self.scenarios.get(name)
        if found is not None:
            return found
        if name in self.faults:
            told = "; ".join(str(fault) for fault in self.faults[name][:3])
            raise ScenarioInvalidError(f"The scenario {name!r} is not valid: {told}.", scenario=name)
        close = get_close_matches(name[:80], self.scenarios, n=3)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        known = ", ".join(self.scenarios)
        detail = f"There is no scenario {name[:80]!r}.{meant} There are: {known}."
        raise ScenarioUnknownError(detail, scenario=name[:80])


def notes(library: Library) -> list[str]:
    """What its user should know: every fault, files that are not read, and scenarios that stand before others."""
    told = [str(fault) for found in library.faults.values() for fault in found]
    told += [f"{path}: is not read; a scenario's file ends in {SUFFIX}" for path in library.misnamed]
    for scenario in library.scenarios.values():
        if scenario.replaces:
            others = " and the ".join(f"{source} one" for source in scenario.replaces)
            told.append(f"{scenario.file}: {scenario.name} stands before the {others}")
    return told


def own_folder(settings: Settings) -> Path | None:
    """The user's own folder: the one that is set, else `./scenarios` where there is one that is not the shipped one.

    None where there is no such folder.
    """
    folder = OWN if settings.scenarios_dir is None else Path(settings.scenarios_dir)
    shipped = shipped_folder("scenarios")
    if not folder.is_dir() or (shipped is not None and folder.resolve() == shipped.resolve()):
        return None
    return folder


def open_library(settings: Settings, ecosystem: Path | None) -> Library:
    """The scenarios of a server on an ecosystem in a folder (None: not from a folder)."""
    return library_of(sources(settings, ecosystem))


def sources(settings: Settings, ecosystem: Path | None) -> list[tuple[str, Path]]:
    """The files of the same with where they come from, in the order in which they stand before each other."""
    own = own_folder(settings)
    beside = ecosystem / "scenarios" if ecosystem is not None else None
    if own is not None and beside is not None and own.resolve() == beside.resolve():
        own = None
    folders = (("own", own), ("ecosystem", beside), ("shipped", shipped_folder("scenarios")))
    return [
        (source, path)
        for source, folder in folders
        if folder is not None and folder.is_dir()
        for suffix in (SUFFIX, _OTHER_SUFFIX)
        for path in sorted(folder.glob(f"*{suffix}"))
    ]


def library_of(paths: list[tuple[str, Path]]) -> Library:
    """A library of files given one by one with their sources, the first of a name standing before the others."""
    there = [(source, path) for source, path in paths if path.is_file()]
    stats = [(source, path, path.stat()) for source, path in there if path.suffix != _OTHER_SUFFIX]
    misnamed = tuple(path for _, path in there if path.suffix == _OTHER_SUFFIX)
    marks = tuple((source, str(path), stat.st_mtime_ns, stat.st_size) for source, path, stat in stats)
    return _assembled(marks)._replace(misnamed=misnamed)


@lru_cache(maxsize=64)
def _assembled(marks: tuple[tuple[str, str, int, int], ...]) -> Library:
    """Read by name, time and size of the files, so that unchanged ones are read once."""
    read: dict[str, tuple[Scenario | None, list[ScenarioFault]]] = {}
    replaced: dict[str, list[str]] = {}
    for source, path, _, _ in marks:
        name = Path(path).stem
        if name in read:
            replaced.setdefault(name, []).append(source)
        else:
            read[name] = _read(source, path)
    valid = {
        name: msgspec.structs.replace(scenario, replaces=tuple(replaced.get(name, ())))
        for name, (scenario, _) in read.items()
        if scenario is not None
    }
    faults = {name: tuple(found) for name, (_, found) in read.items() if found}
    faults |= _broken_references(valid, faults)
    return Library({name: valid[name] for name in sorted(valid) if name not in faults}, faults)


def _read(source: str, path: str) -> tuple[Scenario | None, list[ScenarioFault]]:
    place = Path(path)
    file = f"scenarios/{place.name}" if source == "shipped" else path
    try:
        raw = place.read_bytes()
    except OSError as error:
        return None, [ScenarioFault(file, 1, "", f"cannot be read: {error.strerror}")]
    return read_scenario(raw, name=place.stem, file=file, source=source)


def _broken_references(
    valid: Mapping[str, Scenario], broken: Mapping[str, tuple[ScenarioFault, ...]]
) -> dict[str, tuple[ScenarioFault, ...]]:
    """The faults of steps that apply other scenarios: unknown ones, circles, wrong parameters."""
    found: dict[str, list[ScenarioFault]] = {}
    for name, scenario in valid.items():
        for step in scenario.applied():
            for line, path, text in _reference_faults(name, step, valid, broken):
                fault = ScenarioFault(scenario.file, line, f"{step.path}.apply.{path}", text)
                found.setdefault(name, []).append(fault)
    # Whoever applies a broken one cannot be applied either.
    grown = True
    while grown:
        grown = False
        for name, scenario in valid.items():
            for step in scenario.applied():
                if name not in found and step.scenario in found:
                    text = f"applies {step.scenario!r}, which is not valid"
                    found[name] = [ScenarioFault(scenario.file, step.line, f"{step.path}.apply", text)]
                    grown = True
    return {name: tuple(faults) for name, faults in found.items()}


def _reference_faults(
    name: str, step: Apply, valid: Mapping[str, Scenario], broken: Mapping[str, tuple[ScenarioFault, ...]]
) -> Iterator[tuple[int, str, str]]:
    target = valid.get(step.scenario)
    if target is None:
        known = ", ".join(sorted(valid))
        what = "is not valid itself" if step.scenario in broken else f"is not known; there are {known}"
        yield step.line, "scenario", f"{step.scenario[:63]!r} {what}"
        return
    circle = _way_back(step.scenario, name, valid)
    if circle is not None:
        yield step.line, "scenario", f"goes in a circle: {' -> '.join((name, *circle))}"
    yield from _argument_faults(step, target)


def _argument_faults(step: Apply, target: Scenario) -> Iterator[tuple[int, str, str]]:
    for parameter in target.parameters:
        if parameter.required and parameter.name not in step.arguments:
            yield step.line, f"with.{parameter.name}", f"is missing; {target.name} needs it"
    scope = Scope(step.scope)
    for given, value in step.arguments.items():
        line = step.argument_lines[given]
        wanted = target.parameter(given)
        if wanted is None:
            known = ", ".join(parameter.name for parameter in target.parameters) or "none"
            yield line, f"with.{given}", f"is no parameter of {target.name}; it has {known}"
            continue
        try:
            if has_templates(value):
                check_templates(value, wanted.slot, scope)
            else:
                settled(wanted.slot, value)
        except MisfitError as error:
            yield line, f"with.{given}", str(error)


def _way_back(start: str, goal: str, valid: Mapping[str, Scenario]) -> tuple[str, ...] | None:
    """The names from `start` to `goal`, following who applies whom, or None."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while ways:
        way = ways.pop()
        if way[-1] == goal:
            return way
        scenario = valid.get(way[-1])
        for step in scenario.applied() if scenario is not None else ():
            if step.scenario not in seen or step.scenario == goal:
                seen.add(step.scenario)
                ways.append((*way, step.scenario))
    return None
