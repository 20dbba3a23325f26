"""How often somebody may try to sign in. Counted in the database, so that all processes count together, and before the password is looked at.

Three counts, over a quarter of an hour: of a user from one address, which stops guessing; of one address, which stops trying many users; and of one
user from everywhere, wide enough that a stranger cannot easily lock somebody out, and narrow enough that a swarm learns nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import math
from typing import Literal

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from camelopard.store.columns import moment
from camelopard.store.database import Database, Noting
from camelopard.store.errors import SignInRefused
from camelopard.store.tables import attempts

WINDOW = dt.timedelta(minutes=15)
Count = Literal["user and address", "address", "user"]
LIMITS: dict[Count, int] = {"user and address": 10, "address": 50, "user": 100}


def attempt(database: Database, name: str, address: str, now: dt.datetime) -> None:
    """Count an attempt to sign in.

    Raises
    ------
    SignInRefused
        If there were too many; it says when to come back. What comes before that does not count.
    """
    at = moment(now)
    with database.noting() as noting:
        noting.write(delete(attempts).where(attempts.c.since <= at - WINDOW))
        wait = _counted(noting, {key: LIMITS[count] for count, key in keys(name, address).items()}, at)
    if wait > 0:
        raise SignInRefused(f"too many attempts to sign in. Come back in {-(-wait // 60)} minutes.", retry_after=wait)


def forgive(database: Database, name: str, address: str) -> None:
    """Take back what was counted, after a sign-in that succeeded: all of the user from this address, one of each other count."""
    by = keys(name, address)
    with database.noting() as noting:
        noting.write(delete(attempts).where(attempts.c.key == by["user and address"]))
        for key in (by["address"], by["user"]):
            noting.write(update(attempts).where(attempts.c.key == key, attempts.c.count > 0).values(count=attempts.c.count - 1))


def keys(name: str, address: str) -> dict[Count, str]:
    """Return under what an attempt is counted: hashes, since people type their password where their name belongs."""
    user, where = name.strip().lower()[:256], network(address)
    parts: dict[Count, str] = {"user and address": f"{user}\0{where}", "address": f"\0{where}", "user": f"{user}\0"}
    return {count: hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest() for count, part in parts.items()}


def network(address: str) -> str:
    """Return what one person has of addresses: one in version 4, 2⁶⁴ in version 6; everything that is no address is one.

    >>> network("192.0.2.7"), network("2001:db8:1:2:3:4:5:6"), network("::ffff:192.0.2.7"), network("unix socket")
    ('192.0.2.7', '2001:db8:1:2::/64', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)


def _counted(noting: Noting, limits: dict[str, int], at: dt.datetime) -> int:
    """Count each key once more; return the seconds to wait, 0 where there is room."""
    insert = sqlite.insert if noting.dialect == "sqlite" else postgresql.insert
    fresh = attempts.c.since <= at - WINDOW
    noting.write(
        insert(attempts)
        .values([{"key": key, "count": 1, "since": at} for key in sorted(limits)])  # in one order: nobody waits for each other
        .on_conflict_do_update(
            index_elements=[attempts.c.key],
            set_={"count": case((fresh, 1), else_=attempts.c.count + 1), "since": case((fresh, at), else_=attempts.c.since)},
        )
    )
    rows = noting.read(select(attempts).where(attempts.c.key.in_(list(limits))))
    return max((math.ceil((row.since + WINDOW - at).total_seconds()) for row in rows if row.count > limits[row.key]), default=0)
