// The C++ wrapper owns what it should, once, and hands statuses through.
#include <ltms.hpp>

#include <array>
#include <cstdio>
#include <string>

static int failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            failures++; \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

static const std::uint8_t SEED[16] = {1};
static constexpr std::uint64_t NOW = 1795361000000;

static ltms_peer peer_of(std::uint8_t number) {
    std::array<std::uint8_t, 34> multihash{0x12, 0x20, number};
    return ltms::peer(multihash);
}

static void owners() {
    auto rows = ltms::capacity(LTMS_CAPACITY_TINY);
    auto made = ltms::gate::make(rows, ltms::policy(), SEED);
    CHECK(made.ok() && made->get() != nullptr);
    ltms::gate first = std::move(*made);
    CHECK(made->get() == nullptr && first.get() != nullptr);
    ltms::gate second;
    second = std::move(first);
    CHECK(second.get() != nullptr && first.get() == nullptr);
    // An owner of nothing gives statuses.
    CHECK(!first.metrics(NOW) && first.metrics(NOW).status() == LTMS_NULL);
    CHECK(!first.poll_event(NOW));

    std::size_t size = 0;
    CHECK(ltms_gate_size(&size, &rows) == LTMS_OK);
    std::vector<std::uint64_t> memory(size / 8 + 1);
    {
        auto lent = ltms::gate::make_in(memory.data(), size, rows, ltms::policy(), SEED);
        CHECK(lent.ok() && lent->metrics(NOW)->active_peers == 0);
        auto less = ltms::gate::make_in(memory.data(), 64, rows, ltms::policy(), SEED);
        CHECK(!less && less.status() == LTMS_BUFFER_TOO_SMALL);
        CHECK(std::string(less.text()).size() > 5);
    }
}

static void policies() {
    ltms::policy wrong;
    wrong.set("keys.nothing", 1).set("keys.basic", 5);
    CHECK(wrong.status() == LTMS_UNKNOWN_NAME);
    auto rows = ltms::capacity(LTMS_CAPACITY_TINY);
    CHECK(ltms::gate::make(rows, wrong, SEED).status() == LTMS_UNKNOWN_NAME);
    ltms::policy senseless;
    senseless.set("keys.basic", 0);
    CHECK(ltms::gate::make(rows, senseless, SEED).status() == LTMS_POLICY_INVALID);
    CHECK(ltms::gate::make(ltms::capacity(9), ltms::policy(), SEED).status() == LTMS_STRUCT_SIZE);
}

static void a_ban_outlives_a_restart() {
    auto rows = ltms::capacity(LTMS_CAPACITY_TINY);
    auto before = ltms::gate::make(rows, ltms::policy(), SEED);
    ltms_subject subject{};
    subject.kind = LTMS_SUBJECT_PEER;
    subject.peer = peer_of(7);
    ltms_connection connection{};
    connection.peer = subject.peer;
    CHECK(before->connected(NOW, connection) == LTMS_OK);
    CHECK(before->ban(NOW, subject) == LTMS_OK);
    auto event = before->poll_event(NOW);
    CHECK(event && event->kind == LTMS_EVENT_SANCTIONED && !before->poll_event(NOW));
    auto file = before->snapshot();
    CHECK(file.ok() && !file->empty());

    auto after = ltms::gate::make(rows, ltms::policy(), SEED);
    CHECK(after->restore(NOW, *file)->bans == 1);
    auto decision = after->screen_connection(NOW, connection);
    CHECK(decision.ok() && ltms::name(*decision) == "blacklisted" && !ltms::accepted(*decision));
    CHECK(after->standing(NOW, subject)->by_operator == 1);
    CHECK(after->restore(NOW, *file).status() == LTMS_SNAPSHOT_NOT_EMPTY);
    CHECK(after->disconnected(NOW, subject.peer) == LTMS_OK);
}

static void functions() {
    CHECK(ltms::txid(std::string_view("no transaction")).status() == LTMS_TX_TRUNCATED);
    CHECK(ltms::identity_id(ltms_txid{}, 256).status() == LTMS_OUTPUT_INDEX);
    const std::uint8_t secret[32] = {9}, hash[32] = {5};
    ltms_burn_script burn{};
    CHECK(ltms_public_key_of(&burn.public_key, secret) == LTMS_OK);
    auto script = ltms::build_burn_script(burn);
    CHECK(script.ok() && script->size() == 42);
    CHECK(ltms::parse_burn_script(*script).ok());
    script->pop_back();
    CHECK(ltms::parse_burn_script(*script).status() == LTMS_SCRIPT_TRUNCATED);
    ltms_signature signature{};
    CHECK(!ltms::verify(burn.public_key, hash, signature));
    CHECK(ltms_schnorr_sign(&signature, secret, hash) == LTMS_OK);
    CHECK(ltms::verify(burn.public_key, hash, signature));
    CHECK(ltms::peer(std::vector<std::uint8_t>(40)).len == 0);
}

int main() {
    owners();
    policies();
    a_ban_outlives_a_restart();
    functions();
    std::printf("%d failures\n", failures);
    return failures != 0;
}
