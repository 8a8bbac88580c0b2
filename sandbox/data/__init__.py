"""The data plane `/_data`: json-server's REST and query language over every collection of a sandbox."""
