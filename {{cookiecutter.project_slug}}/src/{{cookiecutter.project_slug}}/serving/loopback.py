"""This machine is asked directly, whatever proxy the environment names for the world outside."""

import ipaddress
import urllib.request
from http.client import HTTPResponse
from urllib.parse import urlsplit


def leads_here(url: str) -> bool:
    """Whether the host in a URL is the machine that asks, by a name to which nobody can give another meaning."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def opened(request: urllib.request.Request, seconds: float) -> HTTPResponse:
    """The answer to a request, waited for this long. Raises OSError where there is none."""
    direct = [urllib.request.ProxyHandler({})] if leads_here(request.full_url) else []
    opener = urllib.request.build_opener(*direct)
    response: HTTPResponse = opener.open(request, timeout=seconds)
    return response
