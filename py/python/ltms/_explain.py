"""What the command says: each function yields lines for people, from the values that JSON has."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator

from . import _cbor
from ._enums import Purpose, Reason

XPI = 1_000_000
# What a call of the Gate is given first, where that is somebody (docs/recording.md).
_WHO = {
    "screen_connection": "connection",
    "connected": "connection",
    "disconnected": "peer",
    "screen_frame": "source",
    "malformed": "source",
    "prove_identity": "source",
    "screen_ad": "source",
    "admit_ad": "source",
    "screen_claim": "source",
    "charge_signature": "source",
    "ban": "subject",
    "unban": "subject",
    "pin": "identity",
    "allow": "peer",
    "record_fault": "identity",
    "settle_ad": "ticket",
    "settle_claim": "ticket",
    "charge_lookup": "ticket",
    "settle_burn": "ticket",
}
_SUBJECTS = {1: "peer", 2: "key", 3: "identity", 4: "group"}


def xpi(sats: int) -> str:
    return f"{sats // XPI:,}.{sats % XPI:06} XPI"


def when(ms: int) -> str:
    """A time as people write it; as a number where Python's calendar ends."""
    try:
        moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ms % 1000:03}Z"


def span(ms: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


def who(call: str, arguments: bytes) -> str:
    """Whom a recorded call is about: `peer 0024…`, `ticket 3`, or nothing."""
    kind = _WHO.get(call)
    if kind is None:
        return ""
    first = _cbor.items(arguments)[0]
    if kind in ("source", "connection"):
        kind, first = "peer", first[0]
    elif kind == "subject":
        kind, first = _SUBJECTS.get(first[0], "subject"), first[1]
    return f"{kind} {first.hex() if isinstance(first, bytes) else first}"


def script(told: dict[str, Any]) -> Iterator[str]:
    purpose = told["purpose"]
    yield f"burn        {purpose.replace('_', ' ').lower() if purpose else 'registration'}"
    yield f"key         {told['public_key']}"
    if told["identity_id"]:
        yield f"identity    {told['identity_id']}"
    if told["timestamp_ms"] is not None:
        yield f"made        {when(told['timestamp_ms'])}, as the burner says"


def transaction(told: dict[str, Any]) -> Iterator[str]:
    coinbase = ", a coinbase" if told["coinbase"] else ""
    yield f"txid        {told['txid']}"
    yield f"txhash      {told['txhash']}"
    yield f"            {told['size']:,} bytes, version {told['version']}{coinbase}"
    for item in told["inputs"]:
        yield f"spends      {item['txid']}:{item['vout']}"
    for vout, item in enumerate(told["outputs"]):
        yield f"output {vout:<4} {xpi(item['value'])}"
        if item.get("burn"):
            yield from ("  " + line for line in script(item["burn"]))
            if item["burn"]["creates"]:
                yield f"  creates   {item['burn']['creates']}"
        elif item.get("older_sdk_reads"):
            yield f"  {item['no_burn']}"


def message(told: dict[str, Any]) -> Iterator[str]:
    for name, value in told.items():
        if name.endswith("_at") and value is not None:
            value = f"{value} ({when(value)})"
        if value is not None:
            yield f"{name:<18} {value}"


def proof(told: dict[str, Any]) -> Iterator[str]:
    if told["holds"]:
        yield f"holds: transaction {told['position']} of block {told['block']['height']:,}"
    else:
        yield f"does not hold: {told['problem']}"
    block = told["block"]
    if block:
        work = "has the work that it claims" if block["has_work"] else "has NOT the work it claims"
        yield f"block {block['hash']}"
        yield f"      made {when(block['time'])}; its header {work}"
        yield "      whether the chain has it, only a source of the chain knows"


def step(told: dict[str, Any]) -> str:
    line = f"{when(told['now_ms'])}  {told['call']:<17}"
    if told["who"]:
        line += f" {told['who']}:"
    line += f" {told['answer']}"
    if told["reason"]:
        if told["retry_at"] is not None:
            line += f", {span(max(0, told['retry_at'] - told['now_ms']))} later"
        line += f". {Reason(told['reason']).meaning}"
    if not told["holds"]:
        line += f" RECORDED OTHERWISE: {told['recorded']}"
    return line


def replayed(told: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{told['calls']} calls, recorded by version {told['version']}"
    for reason, count in sorted(told["reasons"].items(), key=lambda item: -item[1]):
        yield f"  {count:>8}  {Reason(reason).verdict:<7} {reason}"
    if told["differ"]:
        yield f"{told['differ']} answered otherwise than recorded"
    else:
        yield "all as recorded"


def costs(told: dict[str, Any]) -> Iterator[str]:
    """The bounds of a certificate and the prices of attacks."""

    def rate(name: str) -> str:
        return f"{told[name]['per_second']:,} a second, {told[name]['burst']:,} at once"

    def groups(count: dict[str, int]) -> str:
        return f"{count['narrow']:,} narrow groups in {count['wide']:,} wide ones"

    def price(of: dict[str, Any]) -> str:
        share = of["november_2025"]
        day = "" if share is None else f", {share / 10_000:.4f} % of a day's issuance in 2025"
        return xpi(of["burn"]) + day

    yield "What a node can be made to spend"
    yield f"  memory of the tables        {told['tables']:,} bytes"
    yield f"  connections                 {told['connections']:,}"
    yield f"  checks of signatures        {rate('checks')}"
    yield f"  bytes to be decoded         {rate('bytes')}"
    yield f"  unfinished frames           {told['unfinished']:,} bytes"
    yield f"  unknown headers looked up   {rate('lookups')}"
    yield ""
    yield "What an attacker has to have (a narrow group is an IPv4 /24, a wide one a /16)"
    yield f"  all inbound connections     {groups(told['inbound'])}"
    for cell in told["cells"]:
        yield f"  {cell['refused'] / 10:>4g} % of strangers refused  {groups(cell['groups'])}"
    yield f"  all rows of strangers       {groups(told['stranger_groups'])}, "\
        f"for {span(told['stranger_fill'])}"
    yield ""
    yield "What an attacker has to burn"
    for tier, of in zip(("a Basic", "a Verified", "an Institutional"), told["displace"]):
        yield f"  {tier + ' signer out':<27} {price(of)}"
    yield f"  {'half of the directory':<27} {price(told['half_directory'])}"
    yield f"  {'every row for newcomers':<27} {price(told['fill_newcomers'])}"


def purpose(number: Purpose | None) -> str | None:
    return None if number is None else number.name
