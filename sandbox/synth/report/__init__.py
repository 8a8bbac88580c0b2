"""The realism report: how near a folder of collections comes to Kuwait, as figures, as JSON and as one page.

It reads what any ecosystem has, and knows nothing of how one was made. `columns` turns records into columns,
`measures` takes the figures for which there are official ones, `comparing` says how near they come, `shapes` takes
those that are only looked at, `making` puts them together, `plots` draws and `page` writes HTML. The ledger's
invariants are the bank's: whoever calls hands them in.
"""
