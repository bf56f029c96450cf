"""The pure core of MatrixOne's Python SDK: what to ask the server, and how to read its answers.

No socket, no file, no clock, no event loop and no driver is imported here; the standard library and SQLAlchemy suffice.
The packages `matrixone_sync` and `matrixone_async` carry out what the operations of this package ask for.
Users import `matrixone`.
"""
