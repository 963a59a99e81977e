"""A flood of strangers, and what becomes of everybody's advertisements meanwhile.

    python flood.py [PICTURE.svg or PICTURE.png]

The cells (# %%) run one by one in Jupyter, VS Code or Spyder, where the last one draws with
matplotlib. As a program it draws in characters, and an SVG without anything else; whatever else
matplotlib can write needs that.
"""

# %% Who takes part
import sys
from pathlib import Path

import ltms
from ltms import Connection, Source

START, MINUTE, HOUR = 1_795_400_000_000, 60_000, 3_600_000
MINUTES = 60
FLOOD = range(20, 40)  # minutes in which the attacker is there
HONEST = 120  # strangers, each in an address group of his own
EVERY = 6  # minutes between two advertisements of an honest one

rows = {"peers": 512, "cells": 256, "keys": 32_768, "identities": 64}
gate = ltms.Gate(capacity=rows, seed=b"reproducible run")
# What the certificate says it takes to shut out half of the honest strangers:
[half] = [it for it in ltms.certificate(capacity="small")["cells"] if it["refused"] == 500]
ATTACKER = half["groups"]["narrow"]
print(f"the attacker has {ATTACKER} address groups, the honest {HONEST}")


class Stranger:
    """A peer with an address and a key that nobody knows."""

    def __init__(self, number, address):
        self.peer = bytes.fromhex("002408011220") + number.to_bytes(32, "big")
        self.secret = number.to_bytes(32, "big")
        self.address = address

    def advertise(self, now):
        """Connects, advertises, and leaves: whether it was taken."""
        connection = Connection(self.peer, self.address)
        if not gate.screen_connection(now, connection):
            return False
        gate.connected(now, connection)
        source = Source.direct(self.peer)
        envelope = ltms.sign_ad(self.secret, self.peer, now, now + HOUR, types=[1])
        frame = gate.screen_frame(now, source, "direct", len(envelope))
        taken = bool(frame) and bool(gate.admit_ad(now, source, envelope))
        gate.disconnected(now, self.peer)
        gate.events(now)
        return taken


def crowd(first, count, network):
    """Strangers in groups of their own, eight narrow ones (/24) in each wide one (/16)."""
    places = ((n // 2048, n // 8 % 256, n % 8) for n in range(count))
    return [
        Stranger(first + n, f"{network + a}.{b}.{c}.9") for n, (a, b, c) in enumerate(places)
    ]


honest = crowd(1, HONEST, 80)

# %% An hour, minute by minute; the attacker comes with new ids and keys each time
accepted = {"honest": [], "attacker": []}
for minute in range(MINUTES):
    now = START + minute * MINUTE
    gate.sweep(now)
    flood = crowd(1_000_000 * (minute + 1), ATTACKER, 20) if minute in FLOOD else []
    sides = {"honest": honest[minute % EVERY :: EVERY], "attacker": flood}
    taken = {"honest": 0, "attacker": 0}
    # They mix: each advertises at his own moment of the minute.
    queue = sorted(
        (place * MINUTE // len(whole), side, place)
        for side, whole in sides.items()
        for place in range(len(whole))
    )
    for moment, side, place in queue:
        taken[side] += sides[side][place].advertise(now + moment)
    for side, whole in sides.items():
        accepted[side].append(100 * taken[side] / len(whole) if whole else None)

# %% What was decided
metrics = gate.metrics(START + MINUTES * MINUTE)
for reason in ltms.Reason:
    if count := gate.decisions(reason):
        print(f"{count:>7}  {reason.verdict:<7} {reason}: {reason.meaning}")
print(f"{metrics['advertised_keys']} keys are listed, {metrics['peers_blocked']} peers were banned")


# %% The picture
def chart(series, width=640, height=240):
    """The lines as an SVG: the share of advertisements that are taken, over minutes."""
    colours = {"honest": "#1b6e3c", "attacker": "#b3261e"}
    step = width / MINUTES
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-45 -20 {width + 60} {height + 60}">',
        f'<rect x="{FLOOD.start * step}" width="{len(FLOOD) * step}" height="{height}" '
        'fill="#eee"/>',
    ]
    for share in (0, 50, 100):
        y = height - share * height / 100
        parts += [
            f'<line x1="0" x2="{width}" y1="{y}" y2="{y}" stroke="#bbb"/>',
            f'<text x="-8" y="{y + 4}" font-size="12" text-anchor="end">{share} %</text>',
        ]
    for row, (name, values) in enumerate(series.items()):
        points = " ".join(
            f"{(minute + 0.5) * step:.1f},{height - value * height / 100:.1f}"
            for minute, value in enumerate(values)
            if value is not None
        )
        ink = colours[name]
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="2"/>',
            f'<text x="{row * 150}" y="{height + 30}" font-size="13" fill="{ink}">{name}</text>',
        ]
    return "".join(parts) + "</svg>"


def text(series):
    """The same in characters, a column for each minute."""
    steps = " ▁▂▃▄▅▆▇█"
    for name, values in series.items():
        bars = (" " if value is None else steps[round(value * 8 / 100)] for value in values)
        print(f"{name:>9} " + "".join(bars))


def draw(series):
    """The same with matplotlib, as a notebook shows it."""
    import matplotlib.pyplot as plot

    figure, axes = plot.subplots(figsize=(8, 4), layout="constrained")
    axes.axvspan(FLOOD.start, FLOOD.stop - 1, color="#eee", label="flood")
    for name, values in series.items():
        axes.plot([float("nan") if value is None else value for value in values], label=name)
    axes.set(xlabel="minute", ylabel="% of advertisements taken", ylim=(-2, 105))
    axes.legend()
    return figure


text(accepted)
picture = Path(sys.argv[1]) if len(sys.argv) == 2 else None
if "get_ipython" in globals():
    draw(accepted)
elif picture and picture.suffix == ".svg":
    picture.write_text(chart(accepted))
elif picture:
    draw(accepted).savefig(picture)
