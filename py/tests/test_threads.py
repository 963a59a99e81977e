"""Everything may be used by many threads at once; what takes long lets the others go on."""

import gc
import subprocess
import sys
import threading
import unittest

import ltms
from test_gate import NOW, REG, SEED, ad, connected, peer

TOO_LONG = 120  # seconds: who waits longer hangs


def together(work, count=8):
    """Calls it in many threads that begin at once; what came out of each, or went wrong."""
    begin, told = threading.Barrier(count), []

    def run(number):
        try:
            begin.wait(TOO_LONG)
            told.append(work(number))
        except BaseException as error:
            told.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TOO_LONG)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return told


class Threads(unittest.TestCase):
    def test_many_threads_use_one_gate(self):
        gate = ltms.Gate(REG, "small", SEED, record=True)
        items = [(NOW, connected(gate, n, f"198.51.{n}.1"), ad(n)) for n in range(1, 17)]

        def work(number):
            for _ in range(5):
                gate.admit_ads(items)
                gate.metrics(NOW)
                gate.directory(NOW)
                gate.standing(NOW, ltms.Subject.peer(peer(number + 1)))
                ltms.Gate(REG, "small", SEED).restore(NOW, gate.snapshot())
                ltms.schnorr_verify_batch([(bytes([2]) * 33, bytes(32), bytes(64))] * 20)
                gc.collect()

        self.assertEqual(together(work), [None] * 8)
        self.assertEqual(len(gate.directory(NOW, limit=100)), 16)
        # Whatever their order was, it was one: what they did plays again.
        self.assertTrue(all(step["holds"] for step in ltms.Replay(gate.recording())))

    def test_one_ticket_is_settled_by_one_of_many(self):
        gate = ltms.Gate(REG, "small", SEED)
        ticket = gate.screen_ad(NOW, connected(gate, 1), ad(1))
        told = together(lambda _: gate.settle_ad(NOW, ticket, "valid"))
        self.assertEqual(sum(isinstance(it, ltms.Decision) for it in told), 1)
        self.assertEqual(sum(isinstance(it, ltms.TicketError) for it in told), 7)

    def test_a_gate_is_closed_while_others_use_it(self):
        gate = ltms.Gate(REG, "small", SEED)
        source = connected(gate, 1)

        def work(number):
            if number == 0:
                return gate.close()
            while True:
                gate.admit_ad(NOW, source, ad(1))

        told = together(work)
        self.assertEqual(told.count(None), 1)
        self.assertEqual(sum(isinstance(it, ltms.ClosedError) for it in told), 7)

    def test_counters_lose_nothing(self):
        subject, clock = ltms.Reputation(), ltms.ChainClock()

        def work(number):
            for _ in range(1_000):
                subject.success(5_000, NOW)
                clock.trust(number, NOW, 0)

        self.assertEqual(together(work), [None] * 8)
        self.assertEqual((subject.completed, clock.now(1)), (8_000, NOW + 1))

    def test_each_step_of_a_replay_comes_once(self):
        gate = ltms.Gate(REG, "small", SEED, record=True)
        for time in range(500):
            gate.metrics(NOW + time)
            gate.handle_timeout(NOW + time)
        replay = ltms.Replay(gate.recording())
        told = together(lambda _: [step["now_ms"] for step in replay])
        times = sorted(time for one in told for time in one)
        self.assertEqual(times, [NOW + time for time in range(500)])

    def test_a_list_that_changes_meanwhile_is_no_danger(self):
        items, item = [], (b"\5" * 33, bytes(32), bytes(64))

        def work(number):
            for _ in range(50):
                if number % 2:
                    items.extend([item] * 3_000)
                    del items[:]
                else:
                    try:
                        self.assertNotIn(True, ltms.schnorr_verify_batch(items))
                    except IndexError:
                        pass  # it became shorter

        self.assertEqual(together(work), [None] * 8)


class Waiting(unittest.TestCase):
    """Threads take turns only where the interpreter is given away, and see whether it is."""

    def setUp(self):
        self.interval = sys.getswitchinterval()
        self.addCleanup(lambda: sys.setswitchinterval(self.interval))

    def goes_on_during(self, call):
        """Whether another thread gets anywhere while this one does nothing but such calls."""
        go, reached = threading.Lock(), []
        go.acquire()

        def other():
            with go:
                reached.append(True)

        thread = threading.Thread(target=other)
        thread.start()
        # Nobody is made to give way before that many seconds.
        sys.setswitchinterval(1_000)
        go.release()
        # How soon it is awake is for the machine to say: once is enough.
        for _ in range(3_000):
            if reached:
                break
            call()
        done = bool(reached)
        sys.setswitchinterval(self.interval)
        thread.join(TOO_LONG)
        return done

    @unittest.skipUnless(getattr(sys, "_is_gil_enabled", lambda: True)(), "there is none")
    def test_this_would_see_a_thread_that_keeps_the_interpreter(self):
        self.assertFalse(self.goes_on_during(lambda: ltms.txid(TRANSACTION)))

    def test_others_go_on_during_a_batch(self):
        key = ltms.public_key(b"\1" * 32)
        items = [(key, bytes(32), ltms.schnorr_sign(b"\1" * 32, bytes(32)))] * 64
        self.assertTrue(self.goes_on_during(lambda: ltms.schnorr_verify_batch(items)))

    def test_others_go_on_while_a_gate_decides(self):
        gate = ltms.Gate(REG, "small", SEED)
        items = [(NOW, connected(gate, 1), ad(n)) for n in range(1, 20)]
        self.assertTrue(self.goes_on_during(lambda: gate.admit_ads(items)))


BURN = ltms.build_burn_script(ltms.public_key(b"\1" * 32))
TRANSACTION = (
    b"\2\0\0\0\1" + bytes(37) + b"\xff" * 4 + b"\1" + bytes(8) + bytes([len(BURN)]) + BURN + bytes(4)
)

HUGE = """
import resource, ltms
items = [(b"\\5" * 33, bytes(32), bytes(64))] * 2_000_000
with open("/proc/self/statm") as now:
    taken = int(now.read().split()[0]) * resource.getpagesize()
# The answer takes 16 MB; the items, if they were all copied, take 250.
resource.setrlimit(resource.RLIMIT_AS, (taken + 100_000_000,) * 2)
assert not any(ltms.schnorr_verify_batch(items))
"""


class Memory(unittest.TestCase):
    @unittest.skipUnless(sys.platform == "linux", "limits of memory are Linux's here")
    def test_a_huge_batch_takes_no_more_memory_than_its_answer(self):
        done = subprocess.run([sys.executable, "-c", HUGE], capture_output=True, timeout=600)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
