"""How `sandbank serve` logs: what a line says, what it keeps to itself, and how it gets to stderr holding nobody up.

Only the command line logs so: where the application is embedded or tested, logging belongs to whoever runs it.
"""
