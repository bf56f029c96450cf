"""Writers: rows as the bytes of a file, batch by batch."""
