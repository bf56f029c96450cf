"""One module for each MatrixOne feature that the engine lacks: parse its statement and run it.

Features do not know transactions across statements or the client's connection.
"""
