"""The asyncio side: carries the core's operations out with SQLAlchemy's `AsyncEngine` and aiomysql."""
