"""What changed between two OpenAPI documents, and which of it breaks those who rely on the first.

Two parsed documents in, a list of changes out: no files, no printing, no HTTP. `rules` has the catalogue and how much
each rule matters, `schemas` and `shapes` tell how two schemas differ, `operations` and `documents` walk the rest,
`versions` says whether a version number announces breaking changes.
"""

from sandbox.cli.contract.documents import compare
from sandbox.cli.contract.reading import ContractError
from sandbox.cli.contract.rules import WEIGHTS, Change, Level, Rule, Side
from sandbox.cli.contract.versions import Version, announces

__all__ = ["WEIGHTS", "Change", "ContractError", "Level", "Rule", "Side", "Version", "announces", "compare"]
