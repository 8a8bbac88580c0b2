"""Records, tables, engines, the statement helper, the unit of work, reading and checking ecosystems, images."""
