"""Tagged hashes and Lotus Schnorr over secp256k1, slow and plain."""

import hashlib
import hmac

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged_hash(tag, data):
    prefix = sha256(tag.encode())
    return sha256(prefix + prefix + data)


def point_add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def point_multiply(k, point):
    total = None
    while k:
        if k & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        k >>= 1
    return total


def public_key(secret):
    x, y = point_multiply(int.from_bytes(secret, "big"), G)
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


def nonce(secret, message):
    seed = secret + message + b"Schnorr+SHA256  "
    key, value = bytes(32), b"\1" * 32
    for separator in (b"\0", b"\1"):
        key = hmac.digest(key, value + separator + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    value = hmac.digest(key, value, "sha256")
    k = int.from_bytes(value, "big")
    assert 0 < k < N, "the second try is as likely as guessing a key"
    return k


def sign(secret, message):
    k = nonce(secret, message)
    x, y = point_multiply(k, G)
    if pow(y, (P - 1) // 2, P) != 1:
        k = N - k
    r = x.to_bytes(32, "big")
    e = int.from_bytes(sha256(r + public_key(secret) + message), "big")
    return r + ((k + e * int.from_bytes(secret, "big")) % N).to_bytes(32, "big")


# The first entry of lotus-sdk 0.2.0's answers.
assert sign(
    bytes.fromhex("250215ce2a22b594ce87ea2e5348796b3f955996cc0738ad3fdf213a3f0f9be5"),
    bytes.fromhex("ac74080ce3c596cfbd7bcb0d5e9feff05d3bd5a5a717e2821a98e170943021b4"),
).hex() == (
    "f451696bcd8b095da6a4f3a04e0895afc3fbb0baec7d6e0153dc794ad2173e20"
    "bd47dcad6c7086c69808b9bbd0d51ac32593aaef92dc8ac7d5fccc1ef963a613"
)
