"""Foundations: clock, ids, money, identifiers of Kuwait, crypto, errors, settings."""
