"""The generator: whole ecosystems of a Kuwaiti retail bank, from sixty customers to hundreds of thousands.

It knows records and the core, never the bank: what it makes is a folder of collections, which is checked and posted
like anybody else's. It needs NumPy and Faker, so nothing that serves imports it: a server that wants an ecosystem built
starts `sandbank ecosystem build` as a process of its own.

The way of a build: `building` cuts the customers into chunks; `chunk` makes one: `people` (who they are), `accounts`,
`habits` and `recurring` (what they spend and receive), `ledger` (balances that hold), `access` (users, devices,
sessions) and `aftermath` (goals, disputes, messages); `writing` turns columns into JSON. Every draw is `draws`'s, by
counter, so that no byte depends on the number of processes or on a library's version.
"""
