"""The bank: plain synchronous functions over a `Work`; no HTTP, no clock of its own, no trust in its caller."""
