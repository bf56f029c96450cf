"""The inputs of a load, files of a stage or data of the client: their bytes, headers, transforms and likely columns.

Only what is done to data before it reaches the server may live here; nothing here writes to a table.
"""
