"""What keeping everything on disk costs: transfers without an archive, with one, and with one that is waited for."""

from contextlib import ExitStack

from benchmarks import data, servers
from benchmarks.report import Row, load_row, ratio_row
from benchmarks.throughput import Options, Turn, bank_transfer, interleaved

NO_ARCHIVE = "sandbank, no archive"
DURABILITIES = ("batch", "write")


def durability(transactions: int, options: Options) -> list[Row]:
    """Transfers as in `throughput`, at three servers on the same ecosystem."""
    folder, cache = data.ecosystem(transactions), servers.image_cache()
    with ExitStack() as stack:
        server = stack.enter_context(servers.sandbank(folder, cache=cache, name="sandbank-no-archive"))
        turns: dict[str, Turn] = {NO_ARCHIVE: bank_transfer(server, options)}
        for kind in DURABILITIES:
            name = f"sandbank-{kind}"
            kept = ["--data-dir", str(servers.fresh_folder(name)), "--durability", kind]
            server = stack.enter_context(servers.sandbank(folder, cache=cache, options=kept, name=name))
            turns[f"sandbank, durability {kind}"] = bank_transfer(server, options)
        rounds = interleaved(turns, options.rounds)
    topic = "transfer by durability"
    rows = [load_row(topic, name, each) for name, each in rounds.items()]
    for name, each in rounds.items():
        if name != NO_ARCHIVE:
            ratios = [mine.rate / other.rate for mine, other in zip(each, rounds[NO_ARCHIVE], strict=True)]
            rows.append(ratio_row(topic, f"{name.removeprefix('sandbank, ')} / no archive", ratios, share=True))
    return rows
