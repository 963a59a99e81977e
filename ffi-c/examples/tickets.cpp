// Checks the signatures of many advertisements in one batch, between two steps of the Gate.
#include <ltms.hpp>

#include <cstdio>
#include <vector>

namespace {

constexpr std::uint64_t now = 1795361000000;

ltms_peer peer_of(std::uint8_t number) {
    std::vector<std::uint8_t> multihash(34, number);
    multihash[0] = 0x12;
    multihash[1] = 0x20;
    return ltms::peer(multihash);
}

// What a signer sends; the last bit of every fifth is wrong.
std::vector<std::uint8_t> message(std::uint8_t number) {
    const std::uint8_t secret[32] = {number};
    auto ad = ltms::sized<ltms_ad>();
    ad.created_at_ms = now;
    ad.expires_at_ms = now + 3600000;
    ad.type_count = 1;
    ad.types[0] = 1;
    ad.peer = peer_of(number);
    if (ltms_public_key_of(&ad.author, secret) != LTMS_OK)
        return {};
    auto envelope = ltms::sign(ad, LTMS_NETWORK_MAIN, secret);
    if (envelope && number % 5 == 0)
        envelope->back() ^= 1;
    return *envelope;
}

} // namespace

int main() {
    // From the system's randomness in a program that is no example.
    const std::uint8_t seed[16] = {1, 2, 3};
    const std::uint8_t batch_seed[32] = {4, 5, 6};

    ltms::policy policy;
    policy.set("windows.strangers.burst", 16);
    auto gate = ltms::gate::make(ltms::capacity(LTMS_CAPACITY_SMALL), policy, seed);
    if (!gate) {
        std::fprintf(stderr, "ltms: %s\n", gate.text());
        return 1;
    }
    std::vector<ltms_ad_ticket> tickets;
    std::vector<ltms_signed> items;
    for (std::uint8_t number = 1; number <= 20; number++) {
        ltms_connection connection{};
        connection.peer = peer_of(number);
        connection.address_len = 4;
        connection.address[0] = 9;
        connection.address[1] = number;
        if (gate->connected(now, connection) != LTMS_OK)
            return 1;

        ltms_source source{};
        source.peer = connection.peer;
        source.channel = LTMS_CHANNEL_DIRECT;
        ltms_ad_ticket ticket;
        auto screened = gate->screen_ad(ticket, now, source, message(number));
        if (!screened || screened->reason != LTMS_REASON_UNJUDGED)
            continue; // Decided: no signature had to be checked.
        std::size_t count = 0;
        items.resize(items.size() + 2);
        ltms_ad_ticket_signatures(items.data() + items.size() - 2, &count, &ticket);
        items.resize(items.size() - 2 + count); // A stranger's has one.
        tickets.push_back(ticket);
    }
    // The dear step: on another thread, if there is one.
    std::vector<std::uint8_t> valid(items.size());
    if (ltms_schnorr_verify_batch(valid.data(), items.data(), items.size(), batch_seed) != LTMS_OK)
        return 1;
    for (std::size_t i = 0; i < tickets.size(); i++) {
        std::uint8_t check = LTMS_SIGNATURE_INVALID;
        ltms_ad_ticket_check(&check, &tickets[i], &valid[i], 1);
        auto decision = gate->settle_ad(now, tickets[i], check);
        if (decision)
            std::printf("signer %zu: %s\n", i + 1, ltms::name(*decision).data());
    }
}
