"""MatrixOne's SQL to the engine's and the engine's descriptions to MatrixOne's, statement by statement.

Nothing here changes a table.
"""
