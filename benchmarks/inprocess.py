"""Fork and reset without HTTP: what the sandboxes themselves cost, beside what `lifecycle` sees from outside.

The only module here that may import the bank's own code.
"""

from pathlib import Path

from benchmarks.report import Row


def in_process(folder: Path) -> list[Row]:
    """Time fork and reset within this process, alone and with the first write after them.

    To be filled. Compile the ecosystem in `folder` once, outside the timing; then time, some hundred times
    each and in turns: fork alone, reset alone, fork plus first write, reset plus first write, the last two
    with a ready copy (warm) and without (cold). Check after each that the write took place. Make the rows
    with `report.times_row` and milliseconds, `sandbank` as subject, and `budgets.FIRST_WRITE`,
    `FIRST_WRITE_COLD` or `WITHOUT_WRITE` as the budget, which is held against the p50.

    Args:
        folder: an ecosystem of `data.ecosystem`, in which `data.USERNAME` may sign in.

    Returns:
        The rows; none as long as this is not filled.
    """
    del folder
    return []
