//! A short run of `make flood`.

#[path = "../benches/common/counting.rs"]
mod counting;
#[path = "../benches/flood/flood.rs"]
mod flood;
#[path = "../benches/common/made.rs"]
#[expect(dead_code, reason = "every program uses a part")]
mod made;
#[path = "../benches/flood/strangers.rs"]
mod strangers;

#[test]
fn a_hundred_thousand_fresh_ids_change_nothing_that_was_known() {
    let figures = flood::Flood::new(100_000).run(|_| {});
    assert!(figures.hold(), "{figures:?}");
    assert!(figures.still[1] > 0, "no group was banned: {figures:?}");
}

#[test]
fn forty_hostile_groups_leave_strangers_their_service() {
    let [served, came] = strangers::served(40, 3);
    assert!(served * 100 >= came * 99, "{served} of {came}");
}
