//! A peer's account for people.

use std::fmt::Write;

use serde_json::Value;

use crate::{
    operator::text,
    table::{WIDTH, wrapped},
    when::{date, left, span},
};

/// Where the second column begins.
const INDENT: usize = 22;

/// What it is told, why, what is counted, and what undoes it.
pub(crate) fn account(account: &Value, now: u64) -> String {
    let mut out = format!("peer {}\n", text(&account["peer"]));
    let list = |field: &str| account[field].as_array().cloned().unwrap_or_default();
    let connected = match account["connections"].as_u64() {
        Some(0) | None => "not connected".to_owned(),
        Some(1) => "1 connection".to_owned(),
        Some(count) => format!("{count} connections"),
    };
    let known = if account["known"] == true { "" } else { "; nothing is known about it" };
    line(&mut out, "connection", &format!("{connected}{known}"));
    if let Some(identity) = account["identity"].as_str() {
        let _ = writeln!(out, "  identity\n    {identity}");
    }
    if let Some(group) = account["group"].as_str() {
        line(&mut out, "address group", group);
    }
    out += "told now\n";
    let decisions = list("told");
    let same = decisions
        .windows(2)
        .all(|two| ["reason", "until"].iter().all(|field| two[0][field] == two[1][field]));
    let shown = if same { decisions.get(..1).unwrap_or_default() } else { &decisions };
    for told in shown {
        let on =
            if same { "on everything".to_owned() } else { format!("on a {}", text(&told["on"])) };
        let reason = text(&told["reason"]);
        let end = match told["until"].as_u64() {
            Some(until) => format!(" for {}", left(Some(until), now)),
            None if reason.ends_with("listed") => " until lifted".to_owned(),
            None => String::new(),
        };
        line(&mut out, &on, &format!("{reason}{end}: {}", text(&told["meaning"])));
    }
    let rules = list("rules");
    if !rules.is_empty() {
        out += "because\n";
    }
    for rule in &rules {
        line(&mut out, &format!("row `{}`", text(&rule["row"])), &text(&rule["text"]));
        if let (Some(reason), Some(meaning)) = (rule["reason"].as_str(), rule["meaning"].as_str()) {
            line(&mut out, "  for", &format!("{reason}: {meaning}"));
        }
        for (field, name) in [("first", "  first"), ("since", "  since"), ("until", "  until")] {
            if let Some(ms) = rule[field].as_u64() {
                line(&mut out, name, &date(ms));
            }
        }
        if let Some(evidence) = rule["evidence"].as_str() {
            let text =
                format!("{evidence}, the first bytes of the SHA-256 of what completed the count");
            line(&mut out, "  evidence", &text);
        }
    }
    let before = out.len();
    for counted in list("counted") {
        let within = counted["span"].as_u64().map(|ms| format!(" within {}", span(ms)));
        let (count, limit) = (counted["count"].as_u64().unwrap_or(0), &counted["limit"]);
        if limit.as_u64().is_none_or(|limit| limit == 0) {
            continue;
        }
        let within = within.unwrap_or_default();
        let then = text(&counted["then"]);
        line(
            &mut out,
            &text(&counted["what"]),
            &format!("{count} of {limit}{within}, then {then}"),
        );
    }
    if out.len() == before {
        line(&mut out, "nothing", "");
    }
    out.insert_str(before, "counted\n");
    let undo = list("undo");
    if !undo.is_empty() {
        out += "undo\n";
    }
    for command in undo {
        let _ = writeln!(out, "  {}", text(&command));
    }
    out
}

fn line(out: &mut String, name: &str, value: &str) {
    let value = wrapped(value, INDENT, WIDTH);
    let row = format!("  {name:<20}{value}");
    let _ = writeln!(out, "{}", row.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_banned_peer_s_account_names_rule_end_and_remedy() {
        let told = json!({"on": "connection", "reason": "graylisted",
            "meaning": "The peer or key is banned until a time.", "until": 3_600_000});
        let rule = json!({"row": "ban", "text": "banned automatically", "reason": "too-soon",
            "meaning": "The author's own window is spent.", "first": 0, "since": 0,
            "until": 3_600_000, "evidence": "0011223344556677"});
        let counted = json!({"what": "invalid signatures", "count": 2, "limit": 50,
            "span": 86_400_000, "then": "blacklisted"});
        let shown = account(
            &json!({"peer": "P", "known": true, "connections": 0, "told": [told, told],
                "rules": [rule], "counted": [counted], "undo": ["ltms peers unban P"]}),
            0,
        );
        let expected = "\
peer P
  connection          not connected
told now
  on everything       graylisted for 1h: The peer or key is banned until a time.
because
  row `ban`           banned automatically
    for               too-soon: The author's own window is spent.
    first             1970-01-01 00:00:00Z
    since             1970-01-01 00:00:00Z
    until             1970-01-01 01:00:00Z
    evidence          0011223344556677, the first bytes of the SHA-256 of what
                      completed the count
counted
  invalid signatures  2 of 50 within 1d, then blacklisted
undo
  ltms peers unban P
";
        assert_eq!(shown, expected);
    }
}
