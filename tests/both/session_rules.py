"""What tests of sessions share: rows of a file, and how a COMMIT goes wrong."""

ROWS = "1,Ada,a@x.org,36\n2,Grace,g@x.org,45\n"


def at_the_commit(what):
    """A rule for the COMMIT of the transaction with the rows; stages are created over other connections."""

    def rule(statement, before):
        return what if statement == "COMMIT" and any(one.startswith("INSERT") for one in before) else "pass"

    return rule
