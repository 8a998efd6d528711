"""Addresses as they may be recorded, named and printed: without what opens the door to who reads them.

An account in an address, its query (presigned addresses carry their signature there) and its fragment are secrets. What
stands at the same place and is none stays: a container, a commit, a user who has the key elsewhere, a version.
"""

import re
from typing import Any

from pydantic_core import core_schema

# What follows these is a name on this machine, in an archive or in a repository, whatever it looks like.
NAMES = {"dir", "file", "git", "github", "libarchive", "local", "memory", "reference", "sqlite", "tar", "zip"}
# A container of an account stands before their @.
CONTAINERS = {"abfs", "abfss", "az", "wasb", "wasbs"}
# A user stands there: what proves that it is that user is elsewhere, unless a password follows.
USERS = {"ftp", "hdfs", "sftp", "smb", "ssh", "webhdfs"}
# Here # is a letter of a name, and a version may follow.
STORES = CONTAINERS | {"gcs", "gs", "s3", "s3a"}

FOUND = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://\S*")  # with what ends the sentence around it
AROUND = "\"'`)]}>.,:;!"
# In a chain like zip://table.csv::https://host/archive.zip; not in [::1], nor in a query.
BETWEEN = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]*(?:://|::))")
PLACE = re.compile(r"[^:@]*(:\d*)?|\[[^\]]*\](:\d*)?")  # a host and its port, a bucket
VERSION = re.compile(r"\?(versionId|generation)=[\w.-]+", re.IGNORECASE)
LONGEST_NAME = 60  # letters, each of up to four bytes of the 255 that file systems take


def without_secrets(text: str) -> str:
    """The text, with each address in it as it may be shown: also a message that quotes one, whoever wrote it."""
    shown = FOUND.sub(lambda found: shown_in_text(found[0]), text)
    return re.sub(r"(with url: [^\s?]*)\?\S*", r"\1", shown)  # how urllib3 quotes what it has asked for


def shown_in_text(found: str) -> str:
    """An address with the quotes, brackets and stops behind it, as it may be shown."""
    address = found.rstrip(AROUND)
    return shown_chain(address) + found[len(address) :]


def shown_chain(chain: str) -> str:
    """An address, or a chain of them, as it may be shown."""
    parts = [part.partition("://") for part in BETWEEN.split(chain)]
    return "::".join(scheme + mark + shown_rest(scheme.lower(), rest) for scheme, mark, rest in parts)


def shown_rest(scheme: str, rest: str) -> str:
    """What may be shown of an address behind its scheme."""
    if scheme in NAMES:
        return rest
    place, path = divided(rest.lstrip("/") if scheme in ("http", "https") else rest)
    if "@" in path and not PLACE.fullmatch(place.rpartition("@")[2]):  # a password with / ? or # in it
        place, path = divided(rest.rpartition("@")[2])
    account, _, place = place.rpartition("@")
    if not PLACE.fullmatch(place):
        return "..."  # nobody can say what is what
    user, colon, _ = account.partition(":")
    if user and (scheme in USERS or (scheme in CONTAINERS and not colon)):
        place = f"{user}@{place}"
    version = VERSION.search(path) if scheme in STORES else None
    path = re.split("[?]" if scheme in STORES else "[?#]", path)[0]
    return place + path + (version[0] if version else "")


def divided(rest: str) -> tuple[str, str]:
    """Where an address leads to, and what follows."""
    place = re.split("[/?#]", rest)[0]
    return place, rest[len(place) :]


def file_name(address: str) -> str:
    """A name for a copy of what is at the address: without secrets, neither long nor strange nor hidden."""
    last = re.split(r"[/\\]", shown_chain(address).rstrip("/\\"))[-1]
    return re.sub(r"[^\w.-]+", "_", last)[-LONGEST_NAME:].lstrip(".-") or "table"


class Address(str):
    """An address as it may be shown, which is what everybody gets; `whole` is for who opens it."""

    whole: str

    def __new__(cls, whole: str) -> "Address":
        """whole: the address as it was given."""
        address = super().__new__(cls, shown_chain(whole))
        address.whole = whole
        return address

    @property
    def has_account(self) -> bool:
        """Whether the address as it was given has an account, or something at its place that may be one."""
        return not self.whole.startswith(self)  # it is its own beginning where only what stands at its end is left out

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        """For pydantic: read from text, and written as it may be shown."""
        shown = core_schema.to_string_ser_schema(when_used="always")
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(), serialization=shown)
