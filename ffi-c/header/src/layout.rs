//! The sizes and offsets of every public struct, as a C compiler has to see them.

use std::fmt::Write;
use std::mem::{offset_of, size_of};

/// `layouts!(out; Type: field, …;)`
macro_rules! layouts {
    ($out:ident; $($name:ident: $($field:ident),*;)*) => {$(
        let name = stringify!($name);
        let _ = writeln!($out, "_Static_assert(sizeof({name}) == {}, \"\");", size_of::<ltms::$name>());
        $(
            let (field, offset) = (stringify!($field), offset_of!(ltms::$name, $field));
            let _ = writeln!($out, "_Static_assert(offsetof({name}, {field}) == {offset}, \"\");");
        )*
    )*};
}

pub(crate) fn asserts() -> String {
    let mut out = String::from(
        "/* Written by ffi-c/header: the layout that the library was compiled with. */\n\
         #include \"ltms.h\"\n\n",
    );
    layouts! { out;
        ltms_txid: bytes;
        ltms_block_hash: bytes;
        ltms_identity: bytes;
        ltms_public_key: bytes;
        ltms_signature: bytes;
        ltms_peer: len, bytes;
        ltms_decision: verdict, reason, reserved, retry_at_ms;
        ltms_source: peer, publisher, channel;
        ltms_connection: peer, address_len, address, direction;
        ltms_header: hash, prev, merkle_root, time_ms, height, bits;
        ltms_burn_script: timestamp_ms, public_key, identity, has_timestamp, purpose, reserved;
        ltms_tx: len, inputs, outputs, version, lock_time, coinbase, reserved, txid, txhash;
        ltms_signed: key, hash, signature;
        ltms_policy: words;
        ltms_capacity: struct_size, peers, identities, tombstones, keys, bans, groups, cells, outcomes;
        ltms_ad_ticket: words;
        ltms_event: struct_size, group, until_ms, kind, reason, posture, reserved, peer, identity;
        ltms_subject: group, kind, peer, key, identity;
        ltms_authority: sequence, not_after_ms, identity, delegation, kind, reserved;
        ltms_claim_ticket: words;
        ltms_lookup_ticket: words;
        ltms_standing: struct_size, group, decision, first_sanctioned_at_ms, last_sanctioned_at_ms, group_until_ms, prove_by_ms, held_until_ms, message_at_ms, signature_at_ms, header_at_ms, span_ms, burned_sats, expires_at_ms, proved_until_ms, confirmations, sessions_completed, sessions_failed, keys, keys_max, identity, evidence, known, sanction_reason, by_operator, allowed, faults, faults_max, connections, violations, violations_max, invalid_signatures, invalid_signatures_max, malformed, malformed_max, passed_on, tier, suspended, score, displaced, reserved;
        ltms_metrics: struct_size, average_reputation_score, posture, breaker_open, reserved, rate_limit_violations, peers_blocked, identities_registered, total_burned_sats, average_burn_per_identity_sats, peers_with_bad_reputation, expired_entries_dropped, blacklisted_peers, graylisted_peers, active_peers, advertised_keys, signature_checks, bans_not_recorded, bans_merged, banned_groups, operator_bans, automatic_bans, identities_lapsed, identities_displaced, keys_displaced, tombstones, searches, identity_faults, identities_banned, allowed_peers, sanctions_held, breaker_opened, sanctions_spared, clock_steps_forward, clock_steps_back, would_windows, would_keys, would_groups, would_sanctions;
        ltms_registered: sequence, burned_sats, height, evidence, suspended, score, identity, key;
        ltms_criteria: types, amount_sats, has_amount, min_score;
        ltms_found: burned_sats, expires_at_ms, identity, key, has_identity, score;
        ltms_restored: struct_size, identities, keys, bans, dropped_identities, dropped_keys, dropped_bans, dropped_others, saved_at_ms, counter;
        ltms_reputation: words;
        ltms_announcement: created_at_ms, digest, signers, signer_count, announcer, peer, reserved;
        ltms_session_event: kind, phase, cause, signer, has_signer, reserved, session;
        ltms_session: struct_size, joined, acknowledged, contributed, signers, announcer, own, has_own, phase, cause, opened_at_ms, deadline_ms, digest, session;
        ltms_chain_clock: words;
        ltms_owned_key: ends_ms, key, current, reserved;
        ltms_ban: until_ms, since_ms, first_ms, subject, evidence, reason, by_operator, held, reserved;
        ltms_rate: per_second, burst;
        ltms_group_count: narrow, wide;
        ltms_price: burn_sats, november_2025, height_1_292_529;
        ltms_certificate: struct_size, reserved, tables, gate, connections, checks, signatures_per_check, bytes, unfinished, lookups, inbound, cells, stranger_rows, stranger_groups, stranger_fill_ms, displace, half_directory, fill_newcomers;
    }
    // Where there are pointers in it, of 64 bits.
    out.push_str("\n#if UINTPTR_MAX == UINT64_MAX\n");
    layouts! { out;
        ltms_proved: header, value_sats, script, script_len, position, depth, evidence;
        ltms_span: data, len;
        ltms_ad: struct_size, address_count, type_count, has_amount, has_fee, created_at_ms, expires_at_ms, amount_min_sats, amount_max_sats, fee_sats, authority, addresses, nickname, description, types, author, peer;
        ltms_output: value_sats, script;
        ltms_step: kind, phase, signer, has_signer, cause, reserved, announcement;
        ltms_replayed: struct_size, call, holds, has_decision, has_recorded, now_ms, decision, recorded, arguments, call_name;
        ltms_burn: transaction, branch, position, block, vout;
    }
    out.push_str("#endif\n");
    out
}
