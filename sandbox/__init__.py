"""Sandbank: a mock bank for tests."""

__version__ = "0.2.0"
