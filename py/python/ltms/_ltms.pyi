from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypedDict, final

from typing_extensions import Self, TypeAlias

from ._enums import Evidence, Failure, Purpose, Reason, SignatureCheck, Verdict

_Dict: TypeAlias = dict[str, Any]
_Address: TypeAlias = str | IPv4Address | IPv6Address
_Identity: TypeAlias = str | bytes
_Signed: TypeAlias = tuple[bytes, bytes, bytes]
_Authority: TypeAlias = tuple[_Identity, int] | tuple[_Identity, int, int, bytes]
_Burn: TypeAlias = tuple[bytes, int, str, int, list[bytes]]

__all__ = [
    "AdTicket",
    "BurnScript",
    "ChainClock",
    "ClaimTicket",
    "Connection",
    "Decision",
    "Gate",
    "LookupTicket",
    "Replay",
    "Reputation",
    "Source",
    "Subject",
    "_code",
    "_reason",
    "_reasons",
    "build_burn_script",
    "certificate",
    "check_txoutproof",
    "default_policy",
    "identity_id",
    "merkle_branch",
    "merkle_root",
    "parse_bits",
    "parse_block",
    "parse_burn_script",
    "parse_envelope",
    "parse_header",
    "parse_transaction",
    "parse_txoutproof",
    "policy_fields",
    "public_key",
    "schnorr_sign",
    "schnorr_verify",
    "schnorr_verify_batch",
    "sighash",
    "sign_ad",
    "sign_credit",
    "sign_delegation",
    "sign_hello",
    "sign_registration",
    "sign_rotation",
    "sign_withdrawal",
    "txid",
    "verify_inclusion",
    "verify_txoutproof",
    "__version__",
]

__version__: str

# Rows of tables, as the dicts that they are. A test compares their fields with what is given out.

class _IdentityRow(TypedDict):
    id: str
    key: bytes
    sequence: int
    burned: int
    height: int
    evidence: Evidence
    suspended: bool
    score: int

class _SignerRow(TypedDict):
    key: bytes
    identity: str | None
    score: int
    burned: int
    expires_at: int

class _BanRow(TypedDict):
    subject: Subject
    until: int | None
    reason: Reason
    since: int | None
    first: int | None
    evidence: bytes | None
    by_operator: bool

class _KeyRow(TypedDict):
    key: bytes
    current: bool
    ends: int

class _FillRow(TypedDict):
    table: str
    rows: int
    capacity: int

class _Tip(TypedDict):
    height: int
    hash: str

class _Header(TypedDict):
    hash: str
    prev: str
    epoch: str
    height: int
    time: int
    bits: int
    target: int | None
    merkle_root: bytes
    has_work: bool

class _Block(TypedDict):
    header: _Header
    transactions: list[bytes]

class _Proved(TypedDict):
    position: int
    header: _Header
    depth: int
    value: int
    script: bytes
    evidence: Evidence
    work: int | None

class _Standing(TypedDict):
    decision: Decision
    known: bool
    sanction_reason: Reason | None
    sanctioned_at: tuple[int, int] | None
    evidence: bytes
    by_operator: bool
    allowed: bool
    held_until: int | None
    faults: tuple[int, int]
    connections: int
    group: int
    group_until: int | None
    prove_by: int | None
    message_at: int | None
    signature_at: int | None
    header_at: int | None
    span: int
    violations: tuple[int, int]
    invalid_signatures: tuple[int, int]
    malformed: tuple[int, int]
    passed_on: int
    identity: str | None
    keys: tuple[int, int]
    tier: str | None
    burned: int
    confirmations: int
    suspended: bool
    score: int
    displaced: bool
    sessions: tuple[int, int]
    expires_at: int | None
    proved_until: int | None

class _EventOf(TypedDict):
    event: str

class _Event(_EventOf, total=False):
    peer: bytes
    identity: str
    group: int
    until: int | None
    reason: Reason
    posture: str

@final
class Decision:
    @property
    def verdict(self) -> Verdict: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def retry_at(self) -> int | None: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class BurnScript:
    @property
    def public_key(self) -> bytes: ...
    @property
    def timestamp_ms(self) -> int | None: ...
    @property
    def purpose(self) -> Purpose | None: ...
    @property
    def identity_id(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Reputation:
    def __new__(cls) -> Reputation: ...
    def success(self, response_ms: int, now_ms: int) -> None: ...
    def failure(self, reason: Failure | str, now_ms: int) -> None: ...
    def score(self, now_ms: int) -> int: ...
    @property
    def completed(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def average_response_us(self) -> int: ...
    @property
    def debt(self) -> int: ...

@final
class ChainClock:
    def __new__(cls) -> ChainClock: ...
    def trust(self, height: int, time: int, ticks: int) -> bool: ...
    def resume(self, saved_at: int, ticks: int) -> None: ...
    def now(self, ticks: int) -> int: ...

@final
class Connection:
    def __new__(
        cls, peer: bytes, address: _Address | None = None, outbound: bool = False
    ) -> Self: ...
    @property
    def peer(self) -> bytes: ...
    @property
    def address(self) -> str | None: ...
    @property
    def outbound(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Source:
    @staticmethod
    def direct(peer: bytes) -> Source: ...
    @staticmethod
    def gossip(peer: bytes, publisher: bytes | None = None) -> Source: ...
    @staticmethod
    def directory(peer: bytes) -> Source: ...
    @staticmethod
    def dht(peer: bytes) -> Source: ...
    @staticmethod
    def own(local: bytes) -> Source: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Subject:
    @staticmethod
    def peer(peer: bytes) -> Subject: ...
    @staticmethod
    def key(key: bytes) -> Subject: ...
    @staticmethod
    def identity(identity: _Identity) -> Subject: ...
    @staticmethod
    def group(tag: int) -> Subject: ...
    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> bytes | str | int: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class AdTicket:
    @property
    def identity(self) -> str | None: ...
    def verify(self) -> SignatureCheck: ...
    def signatures(self) -> list[_Signed]: ...
    def check(self, holds: list[bool]) -> SignatureCheck: ...

@final
class ClaimTicket:
    @property
    def identity(self) -> str | None: ...
    def verify(self) -> SignatureCheck: ...
    def signatures(self) -> list[_Signed]: ...
    def check(self, holds: list[bool]) -> SignatureCheck: ...

@final
class LookupTicket:
    @property
    def block(self) -> str: ...
    @property
    def identity(self) -> str: ...

@final
class Gate:
    def __new__(
        cls,
        policy: _Dict | None = None,
        capacity: _Dict | str | None = None,
        seed: bytes | None = None,
        *,
        record: bool = False,
    ) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_args: object) -> None: ...
    def recording(self) -> bytes: ...
    def screen_connection(self, now_ms: int, connection: Connection) -> Decision: ...
    def connected(self, now_ms: int, connection: Connection) -> None: ...
    def disconnected(self, now_ms: int, peer: bytes) -> None: ...
    def is_group_banned(self, now_ms: int, address: _Address) -> bool: ...
    def screen_frame(self, now_ms: int, source: Source, kind: str, length: int) -> Decision: ...
    def malformed(
        self, now_ms: int, source: Source, reason: Reason | str, frame: bytes
    ) -> Decision: ...
    def prove_identity(
        self, now_ms: int, source: Source, verifier: bytes, challenge: bytes, envelope: bytes
    ) -> Decision: ...
    def charge_signature(self, now_ms: int, source: Source) -> Decision: ...
    def screen_ad(self, now_ms: int, source: Source, envelope: bytes) -> AdTicket | Decision: ...
    def settle_ad(
        self, now_ms: int, ticket: AdTicket, check: SignatureCheck | str
    ) -> Decision: ...
    def admit_ad(self, now_ms: int, source: Source, envelope: bytes) -> Decision: ...
    def admit_ads(self, items: list[tuple[int, Source, bytes]]) -> list[Decision]: ...
    def screen_claim(
        self, now_ms: int, source: Source, envelope: bytes
    ) -> ClaimTicket | Decision: ...
    def settle_claim(
        self, now_ms: int, ticket: ClaimTicket, check: SignatureCheck | str
    ) -> LookupTicket | Decision: ...
    def charge_lookup(self, now_ms: int, ticket: LookupTicket) -> Decision: ...
    def settle_burn(
        self,
        now_ms: int,
        ticket: LookupTicket,
        header: bytes | None = None,
        evidence: Evidence | int = 0,
    ) -> Decision: ...
    def set_tip(self, now_ms: int, height: int, block_hash: str, fork: int) -> Decision: ...
    def confirm_tip(self, now_ms: int, height: int, block_hash: str, fork: int) -> None: ...
    def record_session(
        self,
        now_ms: int,
        session: bytes,
        subject: _Identity,
        outcome: int | Failure | str,
        counterparty: _Identity | None = None,
    ) -> Decision: ...
    def record_fault(self, now_ms: int, identity: _Identity, reason: Reason | str) -> Decision: ...
    def poll_timeout(self) -> int: ...
    def handle_timeout(self, now_ms: int) -> bool: ...
    def sweep(self, now_ms: int) -> None: ...
    def poll_event(self, now_ms: int) -> _Event | None: ...
    def events(self, now_ms: int) -> list[_Event]: ...
    def ban(
        self,
        now_ms: int,
        subject: Subject,
        until: int | None = None,
        reason: Reason | str = "blacklisted",
    ) -> None: ...
    def unban(self, now_ms: int, subject: Subject) -> bool: ...
    def allow(self, now_ms: int, peer: bytes, allowed: bool = True) -> None: ...
    def pin(self, now_ms: int, identity: _Identity, pinned: bool = True) -> bool: ...
    def guard(self, now_ms: int) -> None: ...
    def set_limits(self, now_ms: int, policy: _Dict) -> bool: ...
    def snapshot(self) -> bytes: ...
    def snapshot_sealed(self, key: bytes, counter: int) -> bytes: ...
    def restore(self, now_ms: int, snapshot: bytes) -> _Dict: ...
    def restore_sealed(
        self, now_ms: int, key: bytes, at_least: int, snapshot: bytes
    ) -> _Dict: ...
    def policy(self) -> _Dict: ...
    def tip(self) -> _Tip | None: ...
    def posture(self) -> str: ...
    def metrics(self, now_ms: int) -> _Dict: ...
    def decisions(self, reason: Reason | str) -> int: ...
    def fill(self) -> list[_FillRow]: ...
    def identities(self) -> list[_IdentityRow]: ...
    def identity(self, id: _Identity) -> _IdentityRow | None: ...
    def resolve_identity(self, key: bytes) -> _IdentityRow | None: ...
    def owned_keys(self, id: _Identity) -> list[_KeyRow]: ...
    def bans(self, now_ms: int) -> list[_BanRow]: ...
    def operator_room(self, now_ms: int) -> int: ...
    def directory(
        self,
        now_ms: int,
        types: list[int] = [],
        amount: int | None = None,
        min_score: int = 0,
        limit: int = 20,
    ) -> list[_SignerRow]: ...
    def find_key(self, now_ms: int, key: bytes) -> _SignerRow | None: ...
    def standing(self, now_ms: int, subject: Subject) -> _Standing: ...

@final
class Replay:
    def __new__(cls, recording: bytes) -> Self: ...
    @property
    def version(self) -> str: ...
    def policy(self) -> _Dict: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _Dict: ...

def txid(raw_tx: bytes) -> str: ...
def identity_id(txid: str, vout: int) -> str: ...
def parse_transaction(raw_tx: bytes) -> _Dict: ...
def parse_burn_script(script: bytes) -> BurnScript: ...
def build_burn_script(
    public_key: bytes,
    timestamp_ms: int | None = None,
    purpose: Purpose | int | None = None,
    identity_id: str | bytes | None = None,
) -> bytes: ...
def verify_txoutproof(proof: bytes, txid: str, block_hash: str) -> bool: ...
def check_txoutproof(proof: bytes, txid: str, block_hash: str) -> int: ...
def parse_header(header: bytes) -> _Header: ...
def parse_bits(bits: int) -> tuple[int, int]: ...
def parse_block(block: bytes) -> _Block: ...
def merkle_branch(block: bytes, position: int) -> list[bytes]: ...
def merkle_root(raw_tx: bytes, position: int, branch: list[bytes]) -> bytes: ...
def sighash(
    raw_tx: bytes,
    index: int,
    spent: list[tuple[int, bytes]],
    hash_type: int = 0x41,
    fork: int = 0,
) -> bytes: ...
def verify_inclusion(
    proof: bytes, txid: str, vout: int, anchor: tuple[str, int] | None = None
) -> _Proved: ...
def parse_txoutproof(proof: bytes) -> _Header: ...
def public_key(private_key: bytes) -> bytes: ...
def schnorr_sign(private_key: bytes, message_hash: bytes) -> bytes: ...
def schnorr_verify(public_key: bytes, message_hash: bytes, signature: bytes) -> bool: ...
def schnorr_verify_batch(items: list[tuple[bytes, bytes, bytes]]) -> list[bool]: ...
def default_policy(network: str = "main") -> _Dict: ...
def policy_fields() -> dict[str, str]: ...
def certificate(
    policy: _Dict | None = None, capacity: _Dict | str | None = None
) -> _Dict: ...
def sign_ad(
    private_key: bytes,
    peer: bytes,
    created_at: int,
    expires_at: int,
    types: list[int],
    *,
    addresses: list[bytes] = [],
    amount: tuple[int, int] | None = None,
    fee: int | None = None,
    nickname: str | None = None,
    description: str | None = None,
    authority: _Authority | None = None,
    network: str = "main",
) -> bytes: ...
def sign_withdrawal(
    private_key: bytes,
    created_at: int,
    *,
    authority: _Authority | None = None,
    network: str = "main",
) -> bytes: ...
def sign_delegation(
    private_key: bytes,
    identity: _Identity,
    delegated: bytes,
    sequence: int,
    not_after: int,
    *,
    network: str = "main",
) -> bytes: ...
def sign_registration(private_key: bytes, burn: _Burn, *, network: str = "main") -> bytes: ...
def sign_rotation(
    old_private_key: bytes,
    new_private_key: bytes,
    burn: _Burn,
    identity: _Identity,
    sequence: int,
    created_at: int,
    *,
    network: str = "main",
) -> bytes: ...
def sign_credit(
    private_key: bytes,
    burn: _Burn,
    identity: _Identity,
    sequence: int,
    *,
    network: str = "main",
) -> bytes: ...
def sign_hello(
    private_key: bytes,
    prover: bytes,
    verifier: bytes,
    challenge: bytes,
    authority: _Authority,
    *,
    network: str = "main",
) -> bytes: ...
def parse_envelope(envelope: bytes, network: str = "main") -> _Dict: ...
def _code(class_: str, name: str) -> int: ...
def _reason(reason: str) -> tuple[str, str]: ...
def _reasons() -> list[str]: ...
