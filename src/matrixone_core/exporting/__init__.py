"""Exports: what is written, in which format, to files of stages and of the client."""
