"""Advertisements and withdrawals (policy §2–§5): every check in its order, and what is written."""

from dataclasses import dataclass

from _gate_model import Key, Model, Refused, Source, groups
from _gate_rules import DAY, LOTUS_V1, NEVER, Window, elapsed, later, micros, widened


@dataclass(frozen=True)
class Delegation:
    """`signature` names the very signature; `by` is the key that it verifies under, if any."""

    until: int
    by: object

    def signature(self, ad):
        if self.by is None:
            return "forged"
        return (self.by, ad.identity, ad.author, ad.sequence, self.until)


@dataclass(frozen=True)
class Ad:
    withdrawal: bool
    author: int
    created: int
    expires: int
    peer: object
    types: frozenset
    amount: tuple
    identity: object
    sequence: int
    delegation: object
    valid: bool  # the author's signature
    padded: bool  # carries long texts

    def not_after(self):
        return self.delegation.until if self.delegation else 0

    def size(self):
        """Only whether it is over a small local limit matters."""
        return 500 if self.padded and not self.withdrawal else 300


@dataclass
class Cleared:
    owner: tuple
    new_slot: bool
    checks: object = None  # the key by which the delegation has to verify
    delegation: object = None
    unlisted: bool = False  # a withdrawal of what has no slot here: remembered, and takes none


class Ads(Model):
    def ad(self, now, source, ad):
        """Screens and settles at once."""
        ticket = self.screen_ad(now, source, ad)
        self.settle_ad(now, ticket)

    def screen_ad(self, now, source, ad):
        self.look_at_clock(now)
        try:
            if ad.size() > self.policy.local_envelope:
                raise Refused("local-limit")
            cleared = self.judge(now, source, ad)
            self.take_signature(now, source)
        except Refused as refused:
            self.pay_for(now, source, ad, refused)
            raise
        return source, ad, cleared.checks

    def settle_ad(self, now, ticket):
        """The verdict once signatures were checked; all is judged again, the world may be another."""
        source, ad, checked_by = ticket
        self.look_at_clock(now)
        try:
            if checked_by is not None and ad.delegation.by != checked_by:
                raise Refused(self.undelegated(ad.identity))
            if not ad.valid:
                raise Refused("invalid-signature")
            self.give_back(source, signature=True)
            self.note_haste(now, source, ad)
            cleared = self.judge(now, source, ad)
            if cleared.checks not in (None, checked_by):
                raise Refused("superseded")
        except Refused as refused:
            self.pay_for(now, source, ad, refused)
            raise
        self.write(now, source, ad, cleared)

    def pay_for(self, now, source, ad, refused):
        reason = refused.reason
        if reason == "too-soon" and self.is_hasty(ad):
            self.accuse_of_haste(now, source)
        elif reason == "invalid-signature":
            self.accuse(now, source, "invalid-signature")
        elif reason in ("not-delegated", "lifetime"):
            self.accuse(now, source, "malformed")
        elif reason == "known":
            self.give_back(source, signature=False)

    # What stands against it, cheapest first

    def judge(self, now, source, ad):
        self.refuse_sanctioned(now, source)
        self.judge_times(now, source, ad)
        row = self.keys.get(ad.author)
        if row is not None:
            self.judge_watermark(now, source, ad, row)
        if ad.identity is not None:
            return self.judge_member(now, source, ad, row)
        return self.judge_stranger(now, source, ad, row)

    def judge_times(self, now, source, ad):
        ours, all_s = self.policy.freshness, LOTUS_V1["freshness"]
        if not ad.withdrawal:
            lifetime = elapsed(ad.created, ad.expires)
            if not all_s["min_lifetime"] <= lifetime <= all_s["max_lifetime"]:
                raise Refused("lifetime")
            if not ours.min_lifetime <= lifetime <= ours.max_lifetime:
                raise Refused("local-limit")
            if ad.expires <= now:
                raise Refused("expired")
        elif later(ad.created, ours.max_lifetime) <= now:
            raise Refused("expired")
        if ad.created > later(now, ours.future):
            raise Refused("future", ad.created - ours.future)
        if source.via == "gossip" and later(ad.created, ours.gossip_age) < now:
            raise Refused("stale")

    def judge_watermark(self, now, source, ad, row):
        banned = row.ban.active(now)
        newer = ad.created > row.created_at
        if banned is not None:
            opens = row.window.opens(self.policy.windows.advertisement, now)
            if source.pushed and newer and opens is not None:
                raise Refused("too-soon", max(banned, opens))
            raise Refused("graylisted", banned)
        if newer:
            return
        if ad.created < row.created_at or ad != row.content:
            raise Refused("replayed")
        # The newest message itself. It is judged by what its key is now.
        if row.owner is None:
            raise Refused("already-known")
        kind, number = row.owner
        if kind == "stranger" and source.via == "gossip":
            raise Refused("stranger-elsewhere")
        if kind == "identity":
            if ad.identity is None:
                raise Refused("key-taken")
            identity = self.identities.get(number)
            if identity:
                self.judge_identity(now, identity)
                if row.sequence < identity.sequence:
                    raise Refused("superseded")
        if source.via in row.channels:
            raise Refused("already-known")
        row.channels.add(source.via)
        raise Refused("known")

    def judge_identity(self, now, identity):
        banned = identity.ban.active(now)
        if banned is not None:
            raise Refused("identity-banned", banned)
        if identity.suspended(now):
            raise Refused("suspended")

    def absent(self, now, number):
        """A ban outlives the row of its identity."""
        banned = self.buried[number].ban.active(now) if number in self.buried else None
        return Refused("unknown-identity") if banned is None else Refused("identity-banned", banned)

    def judge_sequence(self, number, sequence):
        identity = self.identities[number]
        last = self.buried[number].sequence if identity.resuming else identity.sequence
        if sequence < last:
            raise Refused("superseded")
        if sequence > identity.sequence:
            raise Refused("need-history")

    def undelegated(self, number):
        """Before the first rotation the key follows from the burn; later, others may know more."""
        identity = self.identities.get(number)
        if identity is None or identity.sequence == 0:
            return "not-delegated"
        return "need-history" if self.contestable(identity) else "superseded"

    def contestable(self, identity):
        made = identity.last_used("rotation")[0]
        return identity.sequence > 0 and self.tip_height() - made < 100

    def judge_member(self, now, source, ad, row):
        identity = self.identities.get(ad.identity)
        if identity is None:
            raise self.absent(now, ad.identity)
        owner = ("identity", ad.identity)
        self.judge_identity(now, identity)
        self.judge_sequence(ad.identity, ad.sequence)
        if row is None and ad.created <= identity.left:
            raise Refused("replayed")
        delegated = ad.author != identity.key
        if delegated:
            if ad.delegation is None:
                raise Refused(self.undelegated(ad.identity))
            if ad.delegation.until < ad.expires:
                raise Refused("not-delegated")
            if ad.delegation.until <= now:
                raise Refused("expired")
        ours = row is not None and row.owner == owner
        if row is not None and not ours:
            newer_elsewhere = (row.owner or "?")[0] == "identity" and row.not_after >= ad.not_after()
            if row.current or (newer_elsewhere and row.slot_until > now):
                raise Refused("key-taken")
        new_slot = not ours or not row.has_slot()
        unlisted = new_slot and ad.withdrawal
        if unlisted and row is not None and not ours and row.owner is not None:
            raise Refused("not-listed")
        if new_slot and not unlisted and identity.keys >= self.key_limit(identity):
            ends = self.reclaim_slots(now, owner, identity)
            if identity.keys >= self.key_limit(identity) and self.enforces("keys"):
                raise Refused("key-limit", min(ends, default=NEVER))
        if (source.pushed or unlisted) and self.enforces("windows"):
            opens = identity.window.opens(self.identity_quota(identity), now)
            if opens is not None:
                raise Refused("identity-window", opens)
        if source.pushed and self.enforces("windows"):
            self.judge_window(now, row)
        signature = ad.delegation.signature(ad) if ad.delegation else None
        known = ours and (row.sequence, row.not_after, row.delegation) == (
            ad.sequence, ad.not_after(), signature,
        )
        checks = identity.key if delegated and not known else None
        return Cleared(owner, new_slot, checks, signature, unlisted)

    def judge_window(self, now, row):
        opens = row.window.opens(self.policy.windows.advertisement, now) if row else None
        if opens is not None:
            raise Refused("too-soon", opens)

    def reclaim_slots(self, now, owner, holder):
        """Frees the slots that have ended; when the others end."""
        rows = [row for row in self.keys.values() if row.owner == owner and row.has_slot()]
        for row in rows:
            if row.slot_until <= now:
                row.leave_slot()
                holder.keys -= 1
        return [row.slot_until for row in rows if row.has_slot()]

    def judge_stranger(self, now, source, ad, row):
        if row is not None and (row.owner or "?")[0] == "identity":
            if row.current or row.slot_until > now:
                raise Refused("key-taken")
        from_its_peer = ad.peer is None or ad.peer == source.peer
        if source.via not in ("direct", "own") or not from_its_peer:
            raise Refused("stranger-elsewhere")
        peer = self.peers.get(source.peer)
        if peer is None and source.via != "own":
            raise Refused("connection-limit")
        owner = ("stranger", source.peer)
        new_slot = row is None or row.owner != owner or not row.has_slot()
        if new_slot and ad.withdrawal:
            raise Refused("not-listed")
        limit = self.policy["keys"]["stranger"]
        if new_slot and peer and peer.keys >= limit:
            ends = self.reclaim_slots(now, owner, peer)
            if peer.keys >= limit and self.enforces("keys"):
                raise Refused("key-limit", min(ends, default=NEVER))
        if not self.enforces("windows"):
            return Cleared(owner, new_slot)
        self.judge_window(now, row)
        for windows, quota in self.stranger_windows(now, peer.groups if peer else groups(None)):
            for window in windows:
                opens = window.opens(quota, now)
                if opens is not None:
                    raise Refused("stranger-window", opens)
        return Cleared(owner, new_slot)

    def stranger_windows(self, now, of):
        """The windows of the narrow and the wide group: today's, and yesterday's as long as it
        may be in debt, because groups have other cells each day."""
        narrow, wide = of
        quota = self.policy.windows.strangers
        wider = widened(quota, self.policy.windows.wide_factor)
        for groups_of, group, limit in ((self.narrow, narrow, quota), (self.wide, wide, wider)):
            today, into = divmod(now, DAY)
            days = [today]
            if today and into * 1000 < limit.interval_us * limit.burst:
                days.append(today - 1)
            yield [groups_of.setdefault((group, day), Window()) for day in days], limit

    def charge_stranger(self, now, of):
        for windows, quota in self.stranger_windows(now, of):
            for window in windows:
                window.charge(quota, now)
            # What is left of yesterday's debt goes along.
            windows[0].full_at = max(window.full_at for window in windows)

    # What follows

    def is_hasty(self, ad):
        """Whether it was made less than one interval from the newest of its author."""
        row = self.keys.get(ad.author)
        if row is None or row.content is None:
            return False
        apart = abs(ad.created - row.created_at)
        return micros(apart) < self.policy.windows.advertisement.interval_us

    def note_haste(self, now, source, ad):
        """Two verified, different bodies made too close are the key's own violation; our own node
        accuses nobody."""
        row = self.keys.get(ad.author)
        if source.via == "own" or not self.is_hasty(ad):
            return
        if ad == row.content or ad.created <= row.hasty_at:
            return
        limits = self.policy.sanctions
        row.hasty_at = ad.created
        if row.violations.add(now, limits.span) >= limits.violations:
            row.violations.clear()
            if not self.enforces("sanctions") or not self.enforces("windows"):
                return
            row.ban.begin(now, limits.graylist, limits.graylist_max, limits.span)

    def write(self, now, source, ad, cleared):
        row = self.keys.setdefault(ad.author, Key())
        old = row.owner
        if not cleared.unlisted:
            if old != cleared.owner and row.has_slot():
                self.free_slot(old)
            row.owner = cleared.owner
        if ad.identity is not None and row.owner is not None:
            row.sequence, row.not_after = ad.sequence, ad.not_after()
            row.delegation = cleared.delegation
        row.created_at, row.content, row.channels = ad.created, ad, {source.via}
        ends = now if ad.withdrawal else ad.expires
        row.remember(ends, row.remember_until)
        if ad.withdrawal:
            outdated = later(ad.created, self.policy.freshness.max_lifetime)
            row.remember(now, max(row.remember_until, outdated))
        if not cleared.unlisted:
            row.slot_until = later(ends, self.policy["keys"]["slot_hold"])
        row.expires_at = 0 if ad.withdrawal else ad.expires
        row.types, row.amount = ad.types, ad.amount
        if source.pushed:
            row.window.charge(self.policy.windows.advertisement, now)
        kind, number = cleared.owner
        if kind == "identity":
            identity = self.identities[number]
            identity.keys += cleared.new_slot and not cleared.unlisted
            if source.pushed or cleared.unlisted:
                identity.window.charge(self.identity_quota(identity), now)
        elif number in self.peers:
            peer = self.peers[number]
            peer.keys += cleared.new_slot
            self.charge_stranger(now, peer.groups)
