"""What belongs to a session: SQLAlchemy's session, its unit of work, and the states of its transaction.

Only these may live here: a session runs the operations of the client, and answers some of their steps itself.
"""
