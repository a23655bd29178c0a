"""Public keys and signatures of devices: which keys are taken, and whether a signature is a device's."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from core.base64url import decode_bytes
from services.threads.errors import UnusableKey, WrongSignature
from services.threads.texts import DeviceClaim

KEY_BYTES, SIGNATURE_BYTES = 32, 64
_FIELD = 2**255 - 19
# The eighth root of unity's ordinate: with 0, 1 and -1 those of all points of Ed25519 whose order divides 8.
_ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_LOW_ORDER = {0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8}


def check_device(device: DeviceClaim) -> None:
    """That its keys can be used and its signature is its own. Raises UnusableKey, WrongSignature.

    A key of low order would let one member stop every rotation: nothing can be sealed to it.
    """
    kem_key, sign_key = decode_bytes(device.kem_key, KEY_BYTES), decode_bytes(device.sign_key, KEY_BYTES)
    if kem_key is None or not is_usable_kem_key(kem_key):
        raise UnusableKey({"field": "kemKey"})
    if sign_key is None or not is_usable_sign_key(sign_key):
        raise UnusableKey({"field": "signKey"})
    require_signature(device.sign_key, device.sig, device.text)


def is_usable_kem_key(key: bytes) -> bool:
    """Whether an exchange with it gives a shared secret other than zeros (RFC 7748, 6.1)."""
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        return False
    return True


def is_usable_sign_key(key: bytes) -> bool:
    """A key of low order would verify a signature under more texts than one."""
    if int.from_bytes(key, "little") % 2**255 % _FIELD in _LOW_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        return False
    return True


def require_signature(sign_key: str, sig: str, text: bytes) -> None:
    """Raises WrongSignature."""
    if not is_signed(sign_key, sig, text):
        raise WrongSignature


def is_signed(sign_key: str, sig: str, text: bytes) -> bool:
    """`sign_key` is a device's that was checked when it came."""
    key, signature = decode_bytes(sign_key, KEY_BYTES), decode_bytes(sig, SIGNATURE_BYTES)
    if key is None or signature is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
