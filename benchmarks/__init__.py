"""Benchmarks: Sandbank beside a bare Litestar route, json-server, Prism and WireMock, in one run.

Run as `python -m benchmarks`. Not part of the bank and outside its determinism rule; it reaches Sandbank
only as a user does, through the command line and HTTP (`inprocess` excepted).
"""
