"""Scenarios: named, parameterised changes to a sandbox, read from files and carried out by the bank's own functions.

From the file to the sandbox: `nodes` (YAML with its lines), `reader` (walks it and gathers faults), `values` (what a
parameter takes), `steps` and `files` (a whole scenario, checked), `library` (where scenarios are found), `parameters`
(given values and defaults), `running` (the steps), `applying` (orders to a sandbox, all or nothing).
"""
