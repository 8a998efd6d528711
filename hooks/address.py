"""Where the template is, as it may be noted and shown."""

import re
from urllib.parse import urlsplit, urlunsplit


def without_secrets(template: str) -> str:
    """An address of the template without the passwords and tokens that stand in it."""
    if "://" not in template:
        return re.sub(r"^([\w.-]+):[^@/\\]*@", r"\1@", template)
    try:
        parts = urlsplit(template)
    except ValueError:  # it is no address
        return ""
    user, at, host = parts.netloc.rpartition("@")
    keep_user = at and "ssh" in parts.scheme  # `git@`, where a password may follow; elsewhere it may be a token
    netloc = f"{user.partition(':')[0]}@{host}" if keep_user else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def shareable(template: str) -> str:
    """Where the template is, if that is an address like gh:org/mlops-template and no path of this machine."""
    abbreviated, by_ssh = r"[a-z]{2,}:(?!//)[^@:?#]+", r"[\w.-]+@[\w.-]+:[^@]+"
    if re.fullmatch(f"{abbreviated}|{by_ssh}", template) and not template.startswith("file:"):
        return template
    local = "://" not in template or template.partition("://")[0].endswith("file")
    return "" if local else without_secrets(template)
