"""Passwords and tokens, with the standard library alone."""

import hashlib
import hmac
import secrets
import time
from typing import Optional

from app.config import SECRET_KEY, TOKEN_HOURS

_N, _R, _P = 2**14, 8, 1


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_scrypt(password, salt, _N, _R, _P).hex()}"


def check_password(password: str, stored: str) -> bool:
    """False also for accounts without a password, which hold "!"."""
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return False
    n, r, p = (int(part) for part in parts[1:4])
    found = _scrypt(password, bytes.fromhex(parts[4]), n, r, p)
    return hmac.compare_digest(found, bytes.fromhex(parts[5]))


def make_token(user_id: int) -> str:
    claim = f"{user_id}.{int(time.time()) + TOKEN_HOURS * 3600}"
    return f"{claim}.{_sign(claim)}"


def read_token(token: str) -> Optional[int]:
    """The user's id, or None for a token that is forged or too old."""
    claim, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _sign(claim).encode()):
        return None
    user_id, _, expires = claim.partition(".")
    return int(user_id) if int(expires) > time.time() else None


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32)


def _sign(claim: str) -> str:
    return hmac.new(SECRET_KEY.encode(), claim.encode(), hashlib.sha256).hexdigest()
