"""Users and rights: MatrixOne's statements about them, run with the engine's own users and grants.

The engine checks the rights. Roles, which it does not have, are stored as lists of grants and given to each member.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pymysql

from matrixone_local.engine.scratch import DATABASE, PREFIX, TEMPORARY, UNCOMMITTED
from matrixone_local.engine.seekdb import ADMINISTRATOR, RIGHTS, Engine
from matrixone_local.errors import internal_error
from matrixone_local.protocol.passwords import native_hash
from matrixone_local.sql.quoting import quoted
from matrixone_local.sql.tokens import Kind, Reader

ADMIN_ROLES = frozenset({"moadmin", "accountadmin"})
_LASTING_ROLES = ADMIN_ROLES | {"public"}


@dataclass(frozen=True)
class Account:
    """Who is logged in.

    Args:
        user: the name, which is the engine's too but for administrators.
        password_hash: what is stored of the password.
        role: the default role.
    """

    user: str
    password_hash: bytes
    role: str = "public"

    @property
    def is_admin(self) -> bool:
        """Whether stages, snapshots and users may be made."""
        return self.role in ADMIN_ROLES

    @property
    def engine_user(self) -> str:
        """The engine's user, who may do no more to data and nothing else there."""
        return ADMINISTRATOR if self.is_admin else self.user


@dataclass(frozen=True)
class UserStatement:
    """A statement about users, roles or rights.

    Args:
        verb: `CREATE USER`, `ALTER USER`, `DROP USER`, `CREATE ROLE`, `DROP ROLE`, `GRANT` or `REVOKE`.
        names: the users or roles concerned.
        if_exists: IF EXISTS or IF NOT EXISTS was said.
        password: the new one of a user.
        roles: those given to or taken from users, or the default one of a new one.
        rights: the rights given to or taken from roles, such as `SELECT`.
        scope: on what, in the engine's words: `*.*`, `db.*`, a table.
    """

    verb: str
    names: tuple[str, ...]
    if_exists: bool = False
    password: str = field(default="", repr=False)
    roles: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    scope: str = ""


def parse_user_statement(read: Reader) -> UserStatement:
    """A whole statement about users, roles or rights."""
    first = read.next(Kind.WORD).text.upper()
    if first in {"GRANT", "REVOKE"}:
        return _grant(read, first)
    verb = f"{first} {read.next(Kind.WORD).text.upper()}"
    if_exists = read.take("IF", "NOT", "EXISTS") or read.take("IF", "EXISTS")
    name = _user(read)
    password = ""
    if verb == "ALTER USER":
        read.expect("IDENTIFIED", "BY")
        password = read.string()
    elif read.take("IDENTIFIED", "BY"):
        password = read.string()
    roles = (read.name().lower(),) if read.take("DEFAULT", "ROLE") else ()
    read.end()
    return UserStatement(verb, (name,), if_exists, password, roles)


def _grant(read: Reader, verb: str) -> UserStatement:
    """`GRANT right[, right] ON object scope TO role[, role]` or `GRANT role TO user[, user]`; REVOKE … FROM alike."""
    said: list[str] = []
    while not (read.looks("ON") or read.looks("TO") or read.looks("FROM")):
        said.append("," if read.take(",") else read.next(Kind.WORD, Kind.QUOTED).value)
    rights = tuple(" ".join(part.split()) for part in " ".join(said).split(","))
    scope = ""
    on_object = read.take("ON")
    if on_object:
        object_type = read.next(Kind.WORD).text.upper()
        scope = _scope(read, object_type)
    if not read.take("TO"):
        read.expect("FROM")
    names = [_user(read)]
    while read.take(","):
        names.append(_user(read))
    read.take("WITH", "GRANT", "OPTION")
    read.end()
    if on_object:
        return UserStatement(verb, tuple(names), rights=rights, scope=scope)
    return UserStatement(verb, tuple(names), roles=tuple(right.lower() for right in rights))


def _scope(read: Reader, object_type: str) -> str:
    parts: list[str] = []
    while not (read.looks("TO") or read.looks("FROM")):
        token = read.next(Kind.WORD, Kind.QUOTED, Kind.SYMBOL)
        parts.append(token.value if token.text in {"*", "."} else quoted(token.value))
    said = "".join(parts)
    if object_type == "DATABASE" and said != "*.*":
        return "*.*" if said == "*" else f"{said.removesuffix('.*')}.*"
    return "*.*" if said == "*" else said


def _user(read: Reader) -> str:
    name = read.string() if (token := read.current) and token.kind is Kind.STRING else read.name()
    if read.take("@"):
        read.next(Kind.STRING, Kind.WORD, Kind.QUOTED)
    return name.lower()


# What MatrixOne's rights are called in the engine; those that it does not know need no grant there.
_ENGINE_RIGHTS = {
    "select": "SELECT",
    "insert": "INSERT",
    "update": "UPDATE",
    "delete": "DELETE",
    "create table": "CREATE",
    "drop table": "DROP",
    "alter table": "ALTER",
    "index": "INDEX",
    "all": RIGHTS,
    "table all": RIGHTS,
    "database all": RIGHTS,
    "account all": RIGHTS,
}


@dataclass(frozen=True)
class Grant:
    """One right of a role, in the engine's words."""

    right: str
    scope: str


class Users:
    """The users and roles of the server's one account, for as long as the server runs."""

    def __init__(self, engine: Engine, root: str, password: str) -> None:
        self._engine = engine
        self._accounts = {root: Account(root, native_hash(password), "moadmin")}
        self._roles: dict[str, set[Grant]] = {"public": set()}
        self._members: dict[str, set[str]] = {}

    def account(self, login: str) -> Account | None:
        """Who logs in as *login*: `user`, `account:user:role` or `account#user#role` (server-facts 46)."""
        parts = re.split(r"[:#]", login)
        if len(parts) > 1 and parts[0] != "sys":
            return None
        return self._accounts.get(parts[0] if len(parts) == 1 else parts[1])

    def manage(self, statement: UserStatement) -> None:
        """Carry a statement out."""
        match statement.verb:
            case "CREATE USER":
                self._create(statement)
            case "ALTER USER":
                self._alter(statement)
            case "DROP USER":
                self._drop(statement)
            case "CREATE ROLE":
                self._roles.setdefault(statement.names[0], set())
            case "DROP ROLE":
                role = statement.names[0]
                if role in _LASTING_ROLES:
                    raise internal_error(f"can not delete the role {role}")
                removed, members = self._roles.pop(role, set()), self._members.pop(role, set())
                self._take(members, removed)
            case "GRANT" | "REVOKE" if statement.roles:
                for role in statement.roles:
                    self._check_given(role, statement.names, gives=statement.verb == "GRANT")
                for role in statement.roles:
                    self._change_members(role, statement.names, add=statement.verb == "GRANT")
            case _:
                changed = {Grant(right, statement.scope) for right in _engine_rights(statement.rights)}
                for role in statement.names:
                    self._change_grants(role, changed, add=statement.verb == "GRANT")

    def _check_given(self, role: str, users: Sequence[str], *, gives: bool) -> None:
        """Refuse to make administrators of others, or others of administrators."""
        if role in ADMIN_ROLES and not gives:
            raise internal_error(f"the role {role} can not be revoked")
        for user in users:
            if role in ADMIN_ROLES and not (user in self._accounts and self._accounts[user].is_admin):
                raise internal_error(f"the role {role} can not be granted to non administration user {user}")

    def _change_members(self, role: str, users: Sequence[str], *, add: bool) -> None:
        grants, members = self._grants(role), self._members.setdefault(role, set())
        (members.update if add else members.difference_update)(users)
        (self._give if add else self._take)(users, grants)

    def _change_grants(self, role: str, changed: set[Grant], *, add: bool) -> None:
        grants = self._grants(role)
        (grants.update if add else grants.difference_update)(changed)
        (self._give if add else self._take)(self._members.get(role, set()), changed)

    def _grants(self, role: str) -> set[Grant]:
        if role not in self._roles:
            raise internal_error(f"there is no role {role}")
        return self._roles[role]

    def _create(self, statement: UserStatement) -> None:
        name = statement.names[0]
        if name in self._accounts:
            if statement.if_exists:
                return
            raise internal_error(f"the user {name} exists")
        if name == self._engine.user or name.startswith(PREFIX):
            raise internal_error(f"names that begin with {PREFIX} are the local server's own")
        for role in statement.roles:
            self._check_given(role, [name], gives=True)
            self._grants(role)
        with self._engine.session() as cursor:
            cursor.execute("DROP USER IF EXISTS %s", (name,))  # from a run of the server before this one
            cursor.execute("CREATE USER IF NOT EXISTS %s", (name,))  # the engine tries again where it has begun
            cursor.execute(f"GRANT SELECT ON {DATABASE}.* TO %s", (name,))  # what external tables are read into
            cursor.execute(f"GRANT DELETE ON {UNCOMMITTED} TO %s", (name,))  # struck in the user's own transaction
            cursor.execute(f"GRANT ALL PRIVILEGES ON {TEMPORARY}.* TO %s", (name,))
        self._accounts[name] = Account(name, native_hash(statement.password), *statement.roles)
        for role in statement.roles:
            self._change_members(role, [name], add=True)

    def _alter(self, statement: UserStatement) -> None:
        account = self._accounts.get(statement.names[0])
        if account is not None:
            self._accounts[account.user] = replace(account, password_hash=native_hash(statement.password))
        elif not statement.if_exists:
            raise internal_error(f"there is no user {statement.names[0]}")

    def _drop(self, statement: UserStatement) -> None:
        name = statement.names[0]
        found = self._accounts.get(name)
        if found is None:
            if statement.if_exists:
                return
            raise internal_error(f"there is no user {name}")
        if found.is_admin:
            raise internal_error(f"can not delete the user {name}")
        del self._accounts[name]
        for members in self._members.values():
            members.discard(name)
        with self._engine.session() as cursor:
            cursor.execute("DROP USER IF EXISTS %s", (name,))

    def _give(self, users: Iterable[str], grants: set[Grant]) -> None:
        with self._engine.session() as cursor:
            for user in users:
                for grant in grants:
                    cursor.execute(f"GRANT {grant.right} ON {grant.scope} TO %s", (user,))

    def _take(self, users: Iterable[str], grants: set[Grant]) -> None:
        """Take rights from users; what they have by other roles they keep."""
        with self._engine.session() as cursor:
            for user in users:
                for grant in grants:
                    with suppress(pymysql.Error):  # one that the user was never given
                        cursor.execute(f"REVOKE {grant.right} ON {grant.scope} FROM %s", (user,))
                granted = (self._roles[role] for role, members in self._members.items() if user in members)
                self._give([user], set[Grant]().union(*granted))


def _engine_rights(rights: Sequence[str]) -> list[str]:
    return [_ENGINE_RIGHTS[right.lower()] for right in rights if right.lower() in _ENGINE_RIGHTS]
