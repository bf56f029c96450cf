"""Exports: what is written, in which format, to files of stages and of the client.

Only what exports alone need may live here; the methods of the clients are in `operations`, statements in `sql`.
"""
