// ltms for C++17 and later: the functions of ltms.h with owners, views and results. Needs no
// exceptions and no run-time type information; everything is inline. What the functions do, and
// which errors they give, is in ltms.h.
//
// A call gives an ltms::result<T>: `ok()`, `status()`, `text()`, and `*result` or `result->…` for
// the value, which may only be looked at if ok.
#ifndef LTMS_HPP
#define LTMS_HPP

#include "ltms.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ltms {

// Bytes of somebody else's: of an array, a vector, a std::span (C++20), a string…
class bytes {
public:
    constexpr bytes() = default;
    constexpr bytes(const std::uint8_t *data, std::size_t size) : data_(data), size_(size) {}
    template <class Container,
              class = decltype(static_cast<const std::uint8_t *>(
                  std::declval<const Container &>().data()))>
    bytes(const Container &container) : data_(container.data()), size_(container.size()) {}
    bytes(std::string_view text)
        : data_(reinterpret_cast<const std::uint8_t *>(text.data())), size_(text.size()) {}

    constexpr const std::uint8_t *data() const { return data_; }
    constexpr std::size_t size() const { return size_; }
    constexpr ltms_span span() const { return {data_, size_}; }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

// A value, or the status of why there is none.
template <class T>
class [[nodiscard]] result {
public:
    result(ltms_status status, T value) : status_(status), value_(std::move(value)) {}

    bool ok() const { return status_ == LTMS_OK; }
    explicit operator bool() const { return ok(); }
    ltms_status status() const { return status_; }
    const char *text() const { return ltms_status_text(status_); }
    T &operator*() { return value_; }
    const T &operator*() const { return value_; }
    T *operator->() { return &value_; }
    const T *operator->() const { return &value_; }

private:
    ltms_status status_;
    T value_;
};

// A struct that begins with its size, all else zero.
template <class T>
T sized() {
    T value{};
    value.struct_size = sizeof value;
    return value;
}

// Calls `call` with a place for its output.
template <class T, class Call>
result<T> output(Call call) {
    T value{};
    ltms_status status = call(&value);
    return {status, value};
}

inline std::string_view name(const ltms_decision &decision) {
    return ltms_strreason(decision.reason);
}
inline bool accepted(const ltms_decision &decision) { return decision.verdict == LTMS_ACCEPT; }

// A peer id from its multihash; `len` 0 if it is too long. The functions look at the rest.
inline ltms_peer peer(bytes multihash) {
    ltms_peer peer{};
    if (multihash.size() <= sizeof peer.bytes && multihash.size() > 0) {
        peer.len = static_cast<std::uint8_t>(multihash.size());
        std::memcpy(peer.bytes, multihash.data(), multihash.size());
    }
    return peer;
}

inline result<ltms_txid> txid(bytes transaction) {
    return output<ltms_txid>([&](ltms_txid *to) {
        return ltms_tx_txid(to, transaction.data(), transaction.size());
    });
}

inline result<ltms_identity> identity_id(const ltms_txid &txid, std::uint32_t vout) {
    return output<ltms_identity>(
        [&](ltms_identity *to) { return ltms_identity_id(to, &txid, vout); });
}

inline result<ltms_burn_script> parse_burn_script(bytes script) {
    return output<ltms_burn_script>([&](ltms_burn_script *to) {
        return ltms_burn_script_parse(to, script.data(), script.size());
    });
}

inline result<std::vector<std::uint8_t>> build_burn_script(const ltms_burn_script &burn) {
    std::vector<std::uint8_t> script(LTMS_SCRIPT_MAX);
    std::size_t len = 0;
    ltms_status status = ltms_burn_script_build(script.data(), script.size(), &len, &burn);
    script.resize(len);
    return {status, std::move(script)};
}

inline bool verify(const ltms_public_key &key, const std::uint8_t (&hash)[32],
                   const ltms_signature &signature) {
    std::uint8_t valid = 0;
    return ltms_schnorr_verify(&valid, &key, hash, &signature) == LTMS_OK && valid == 1;
}

// An advertisement, signed.
inline result<std::vector<std::uint8_t>> sign(const ltms_ad &ad, std::uint8_t network,
                                              const std::uint8_t (&secret)[32]) {
    std::vector<std::uint8_t> envelope(LTMS_ENVELOPE_MAX);
    std::size_t len = 0;
    ltms_status status =
        ltms_ad_sign(envelope.data(), envelope.size(), &len, &ad, network, secret);
    envelope.resize(len);
    return {status, std::move(envelope)};
}

class policy {
public:
    explicit policy(std::uint8_t preset = LTMS_POLICY_LOTUS_V1,
                    std::uint8_t network = LTMS_NETWORK_MAIN) {
        status_ = ltms_policy_preset(&policy_, preset, network);
    }

    // Sets a field; the first status that is not LTMS_OK stays.
    policy &set(std::string_view name, std::uint64_t value) {
        if (status_ == LTMS_OK)
            status_ = ltms_policy_set(&policy_, name.data(), name.size(), value);
        return *this;
    }
    ltms_status status() const { return status_; }
    const ltms_policy *get() const { return &policy_; }

private:
    ltms_policy policy_{};
    ltms_status status_;
};

inline ltms_capacity capacity(std::uint8_t preset) {
    auto rows = sized<ltms_capacity>();
    if (ltms_capacity_preset(&rows, preset) != LTMS_OK)
        rows.struct_size = 0;
    return rows;
}

// Owns a Gate, on the heap or in memory that has to outlive it. Not for two threads at once.
class gate {
public:
    gate() = default;
    gate(gate &&other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    gate &operator=(gate &&other) noexcept {
        std::swap(gate_, other.gate_);
        return *this;
    }
    gate(const gate &) = delete;
    gate &operator=(const gate &) = delete;
    ~gate() { ltms_gate_free(&gate_); }

#ifdef LTMS_HOSTED
    static result<gate> make(const ltms_capacity &rows, const policy &policy,
                             const std::uint8_t (&seed)[16]) {
        gate made;
        ltms_status status = policy.status();
        if (status == LTMS_OK)
            status = ltms_gate_new(&made.gate_, &rows, policy.get(), seed);
        return {status, std::move(made)};
    }
#endif
    static result<gate> make_in(void *memory, std::size_t size, const ltms_capacity &rows,
                                const policy &policy, const std::uint8_t (&seed)[16]) {
        gate made;
        ltms_status status = policy.status();
        if (status == LTMS_OK)
            status = ltms_gate_init(&made.gate_, memory, size, &rows, policy.get(), seed);
        return {status, std::move(made)};
    }

    // For the functions of ltms.h that have no method here.
    ltms_gate *get() const { return gate_; }

    result<ltms_decision> screen_connection(std::uint64_t now, const ltms_connection &connection) {
        return decide(ltms_gate_screen_connection, now, &connection);
    }
    ltms_status connected(std::uint64_t now, const ltms_connection &connection) {
        return ltms_gate_connected(gate_, now, &connection);
    }
    ltms_status disconnected(std::uint64_t now, const ltms_peer &peer) {
        return ltms_gate_disconnected(gate_, now, &peer);
    }
    result<ltms_decision> screen_frame(std::uint64_t now, const ltms_source &source,
                                       std::uint8_t kind, std::size_t len) {
        return decide(ltms_gate_screen_frame, now, &source, kind, len);
    }
    result<ltms_decision> admit_ad(std::uint64_t now, const ltms_source &source, bytes envelope) {
        return decide(ltms_gate_admit_ad, now, &source, envelope.data(), envelope.size());
    }
    // The ticket is there if the decision's reason is LTMS_REASON_UNJUDGED.
    result<ltms_decision> screen_ad(ltms_ad_ticket &ticket, std::uint64_t now,
                                    const ltms_source &source, bytes envelope) {
        return output<ltms_decision>([&](ltms_decision *to) {
            return ltms_gate_screen_ad(gate_, to, &ticket, now, &source, envelope.data(),
                                       envelope.size());
        });
    }
    result<ltms_decision> settle_ad(std::uint64_t now, ltms_ad_ticket &ticket,
                                    std::uint8_t check) {
        return decide(ltms_gate_settle_ad, now, &ticket, check);
    }
    ltms_status ban(std::uint64_t now, const ltms_subject &subject,
                    std::uint64_t until = LTMS_NEVER,
                    std::uint8_t reason = LTMS_REASON_BLACKLISTED) {
        return ltms_gate_ban(gate_, now, &subject, until, reason);
    }
    // The next thing to tell, if there is any.
    std::optional<ltms_event> poll_event(std::uint64_t now) {
        auto event = sized<ltms_event>();
        if (ltms_gate_poll_event(gate_, &event, now) != LTMS_OK || event.kind == LTMS_EVENT_NONE)
            return std::nullopt;
        return event;
    }
    result<ltms_standing> standing(std::uint64_t now, const ltms_subject &subject) {
        auto standing = sized<ltms_standing>();
        ltms_status status = ltms_gate_standing(gate_, &standing, now, &subject);
        return {status, standing};
    }
    result<ltms_metrics> metrics(std::uint64_t now) {
        auto metrics = sized<ltms_metrics>();
        ltms_status status = ltms_gate_metrics(gate_, &metrics, now);
        return {status, metrics};
    }
    result<std::vector<std::uint8_t>> snapshot() {
        std::size_t len = 0;
        ltms_status status = ltms_gate_snapshot_len(gate_, &len);
        std::vector<std::uint8_t> bytes(len);
        if (status == LTMS_OK)
            status = ltms_gate_write_snapshot(gate_, bytes.data(), len, &len, nullptr, 0);
        bytes.resize(len);
        return {status, std::move(bytes)};
    }
    result<ltms_restored> restore(std::uint64_t now, bytes snapshot) {
        auto restored = sized<ltms_restored>();
        ltms_status status = ltms_gate_restore(gate_, &restored, now, snapshot.data(),
                                               snapshot.size(), nullptr, 0);
        return {status, restored};
    }

private:
    template <class Function, class... Inputs>
    result<ltms_decision> decide(Function function, std::uint64_t now, Inputs... inputs) {
        return output<ltms_decision>(
            [&](ltms_decision *to) { return function(gate_, to, now, inputs...); });
    }

    ltms_gate *gate_ = nullptr;
};

} // namespace ltms

#endif
