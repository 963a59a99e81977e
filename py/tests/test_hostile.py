"""Whatever is given to whatever there is: an answer or an exception, never a panic or a crash.

A panic of the Rust below is a BaseException that is no Exception, and ends this test.
"""

import enum
import inspect
import random
import unittest

import ltms

NOW = 1_795_361_000_000
PEER = bytes.fromhex("002408011220") + bytes(32)
SECRET = b"\1" * 32
AD = ltms.sign_ad(SECRET, PEER, NOW, NOW + 3_600_000, [1])
BURN = ltms.build_burn_script(ltms.public_key(SECRET))
TRANSACTION = (
    bytes.fromhex("02000000" "01") + bytes(36) + b"\0" + bytes(4) + b"\1"
    + (50_000_000).to_bytes(8, "little") + bytes([len(BURN)]) + BURN + bytes(4)
)


class Odd:
    """Raises at all that is asked of it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    __str__ = __index__ = __int__ = __bool__ = __len__ = __iter__ = lambda self: 1 / 0


VALUES = [
    None, True, False, 0, 1, -1, 255, 256, NOW, 2**31, 2**32, 2**48 - 1, 2**63, 2**64, 10**50, 1.5,
    float("nan"), "", "a", "\ud800", "11" * 32, "é" * 64, "main", "reg", "gossip", "too-soon", "valid",
    b"", b"\0", bytes(16), SECRET, b"\xff" * 32, bytes(33), ltms.public_key(SECRET), bytes(64), PEER, AD,
    AD[:-1], BURN, TRANSACTION, bytes(160), bytearray(33), memoryview(bytes(33)), [], [1], [b""],
    [None] * 3, (), (1, 2), ("11" * 32, 0), ("11" * 32, 0, NOW, bytes(64)), {}, {"a": 1}, set(),
    (TRANSACTION, 0, "11" * 32, 0, [bytes(32)] * 3), [(NOW, ltms.Source.direct(PEER), AD)],
    [(ltms.public_key(SECRET), bytes(32), bytes(64))] * 6, {"windows": {"wide_factor": 0}},
    {"network": "reg"}, {"peers": 3}, {"peers": {"peers": {"peers": {}}}}, "198.51.100.7", "::1",
    ltms.Source.direct(PEER), ltms.Source.own(PEER), ltms.Connection(PEER, "198.51.100.7"),
    ltms.Subject.peer(PEER), ltms.Subject.group(7), ltms.Reason.NEW, ltms.Failure.ABORT,
    ltms.Purpose.TOP_UP, ltms.Evidence.NODE, ltms.SignatureCheck.VALID, ltms.Gate, object(), Odd(),
]  # fmt: skip


class Hostile(unittest.TestCase):
    def attack(self, call, chosen, times):
        """Calls it with values drawn by chance, as many as it takes; how many were taken."""
        parameters = inspect.signature(call).parameters.values()
        taken = 0
        for _ in range(times):
            places = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
            names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
            named = {name: chosen.choice(VALUES) for name in names if chosen.random() < 0.5}
            try:
                call(*(chosen.choice(VALUES) for _ in places), **named)
                taken += 1
            except Exception as error:
                # What Odd raises is its own.
                own = (TypeError, ValueError, ltms.LtmsError, RuntimeError, ZeroDivisionError)
                self.assertIsInstance(error, own, call)
        return taken

    def test_functions_and_classes_take_anything(self):
        chosen = random.Random(1)
        quick = {"certificate", "Gate"}  # large tables take their time
        for name in ltms.__all__:
            call = getattr(ltms, name)
            ours = not isinstance(call, type) or not issubclass(call, (BaseException, enum.Enum))
            if not callable(call) or not ours:
                continue
            try:
                inspect.signature(call)
            except ValueError:  # made elsewhere, or a class whose signature Python 3.9 cannot read
                with self.assertRaises((TypeError, ltms.InputError)):
                    call(b"")
                continue
            self.attack(call, chosen, 20 if name in quick else 400)

    def test_static_methods_take_anything(self):
        chosen = random.Random(2)
        for make in (ltms.Source.direct, ltms.Source.gossip, ltms.Source.own, ltms.Subject.peer,
                     ltms.Subject.key, ltms.Subject.identity, ltms.Subject.group):
            self.attack(make, chosen, 300)

    def test_a_gate_takes_anything_and_goes_on(self):
        chosen = random.Random(3)
        gate = ltms.Gate(capacity="small", record=True)
        source = ltms.Source.direct(PEER)
        gate.connected(NOW, ltms.Connection(PEER, "198.51.100.7"))
        VALUES.append(gate.screen_ad(NOW, source, AD))
        once = ("close", "recording")
        methods = [name for name in dir(gate) if not name.startswith("_") and name not in once]
        taken = {name: self.attack(getattr(gate, name), chosen, 300) for name in methods}
        self.assertEqual([name for name in ("metrics", "bans", "events") if not taken[name]], [])
        self.assertTrue(gate.admit_ad(2**48 - 2, ltms.Source.own(PEER), AD) is not None)
        for step in ltms.Replay(gate.recording()):
            self.assertTrue(step["holds"], step)


if __name__ == "__main__":
    unittest.main()
