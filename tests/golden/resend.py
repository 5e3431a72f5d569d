"""Requests of a golden store: signed with the secrets of the store's configuration, each time anew."""
import hashlib
import hmac

from harness import sign_github, sign_standard, sign_stripe


def signed_headers(request, source, now=None):
    """The headers of one kept request, and its signature at the time `now` (without it: the present time)."""
    preset, body = source.get("preset", "none"), request["body"].encode()
    secret = (source.get("secrets") or [None])[0]
    headers = dict(request["headers"])
    if preset == "stripe":
        headers.update(sign_stripe(secret, body, now))
    elif preset == "standard-webhooks":
        headers.update(sign_standard(secret, body, headers["webhook-id"], now))
    elif preset == "github":
        headers.update(sign_github(secret, body, headers["X-GitHub-Delivery"]))
    elif preset == "hmac":
        headers["X-Signature"] = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    elif preset == "token":
        headers["Authorization"] = f"Bearer {secret}"
    return headers


def send(gateway, request):
    """Sends it as the platform would send it at this moment; gives status and reply."""
    source = gateway.config["sources"][request["source"]]
    return gateway.post(request["source"], request["body"].encode(), signed_headers(request, source))
