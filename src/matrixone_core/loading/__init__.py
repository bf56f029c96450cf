"""Loads: what the caller asks for, the plan, its execution, the report; for files of stages and data of the client.

Only what loads alone need may live here; the methods of the clients are in `operations`, statements in `sql`.
"""
