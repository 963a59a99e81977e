//! Times and spans as people read and write them. All times are UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as `2026-11-25 12:50:01Z`.
pub(crate) fn date(ms: u64) -> String {
    let (days, rest) = (ms / DAY, ms % DAY);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970, counted by years that begin in March: then the day
/// that is sometimes missing is the last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + (month <= 2) as u64, month, day)
}

/// A span in its two largest units: `23h 59m`.
pub(crate) fn span(ms: u64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")];
    let Some(at) = units.iter().position(|(unit, _)| ms >= *unit) else { return "0s".to_owned() };
    let (unit, name) = units[at];
    let rest = units.get(at + 1).map(|(next, name)| (ms % unit / next, name));
    let rest = rest.filter(|(count, _)| *count > 0);
    let rest = rest.map(|(count, name)| format!(" {count}{name}")).unwrap_or_default();
    format!("{}{name}{rest}", ms / unit)
}

/// How long until then: `23h 59m`, or `no end`.
pub(crate) fn left(until: Option<u64>, now: u64) -> String {
    until.map_or_else(|| "no end".to_owned(), |until| span(until.saturating_sub(now)))
}

/// Reads a span as milliseconds.
pub(crate) fn read_span(text: &str) -> Result<u64, String> {
    let problem = || "a number with s, m, h or d behind it, such as 12h".to_owned();
    let (at, letter) = text.char_indices().next_back().ok_or_else(problem)?;
    let unit = match letter {
        's' => SECOND,
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return Err(problem()),
    };
    let number = text.get(..at).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.and_then(|text| text.parse().ok()).ok_or_else(problem)?;
    number.checked_mul(unit).filter(|ms| *ms > 0).ok_or_else(problem)
}

/// Reads a time: `2026-11-25`, `2026-11-25T12:50:01Z`, or a span that it is ago.
pub(crate) fn read_time(text: &str) -> Result<u64, String> {
    let problem =
        || "a time such as 2026-11-25T12:50:01Z or 2026-11-25, or how long ago: 12h".to_owned();
    if let Ok(span) = read_span(text) {
        return Ok(now().saturating_sub(span));
    }
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, time.strip_suffix('Z').ok_or_else(problem)?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or_else(problem)?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2]).ok_or_else(problem)?;
    let good = (1970..=9999).contains(&year) && hour < 24 && minute < 60 && second < 60;
    let days = good.then(|| day_of(year, month, day)).flatten().ok_or_else(problem)?;
    Ok(days * DAY + hour * HOUR + minute * MINUTE + second * SECOND)
}

fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    let mut parts = text.split(between);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| {
            part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The day since 1970 with this date, if there is one.
fn day_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let first = (year - 1970) * 365;
    (first..first + 3_000).find(|days| civil(*days) == (year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(read_span("90m"), Ok(5_400_000));
        assert_eq!(read_span("7d"), Ok(604_800_000));
        let wrong = ["", "m", "12", "0h", "-1h", "+1h", "1.5h", "1w", "99999999999999999999d"];
        for text in wrong.into_iter().chain(["1é"]) {
            assert!(read_span(text).is_err(), "{text}");
        }
        let shown = [999, 1_000, 90_000, 3_600_000, 86_399_000, 90_061_000].map(span);
        assert_eq!(shown, ["0s", "1s", "1m 30s", "1h", "23h 59m", "1d 1h"]);
    }

    #[test]
    fn dates_are_read_as_they_are_shown() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_400_000, "2000-02-29 00:00:00Z"),
            (1_795_400_000_000, "2026-11-23 02:13:20Z"),
            (4_107_542_399_000, "2100-02-28 23:59:59Z"),
            (253_402_300_799_000, "9999-12-31 23:59:59Z"),
        ] {
            assert_eq!(date(ms), text);
            assert_eq!(read_time(text), Ok(ms));
        }
        assert_eq!(read_time("2026-11-23"), Ok(1_795_392_000_000));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-25T12:50Z",
            "2026-11-25T12:50:01",
            "2026-11-25T24:00:00Z",
            "1969-12-31",
            "26-11-25",
            "2026-11-25-01",
            "yesterday",
        ] {
            assert!(read_time(text).is_err(), "{text}");
        }
        let ago = now() - read_time("1h").unwrap();
        assert!((HOUR..HOUR + MINUTE).contains(&ago), "{ago}");
    }
}
