//! `ltms policy`: every limit with its meaning, and what the limits add up to.

use std::{fmt, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use ltms_core::{Amount, Capacity, Certificate, GroupCount, Policy, PolicyField, Price, Rate};
use ltms_net::config::Config;
use serde::Serialize;
use serde_json::Value;

use crate::{failure::Failure, output::Format};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Every limit with its unit and meaning, and what they bound
    Show {
        /// Only this group of limits, such as `windows`, or `certificate`
        group: Option<String>,
        /// How large the tables are
        #[arg(long, value_enum)]
        profile: Option<Profile>,
        /// The configuration file of a node, whose policy and profile are shown
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        format: Format,
    },
    /// Whether the policy in a node's configuration file can be used
    Check {
        /// The configuration file
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
}

/// Sizes of tables.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Profile {
    Node,
    Small,
    Tiny,
}

impl From<Profile> for Capacity {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Node => Self::NODE,
            Profile::Small => Self::SMALL,
            Profile::Tiny => Self::TINY,
        }
    }
}

/// A limit as it is shown.
#[derive(Serialize)]
struct Limit {
    name: &'static str,
    value: Value,
    unit: Option<&'static str>,
    meaning: String,
    #[serde(skip)]
    text: String,
}

/// Limits that belong together; those in no group come first, without a name.
#[derive(Serialize)]
struct Group {
    name: &'static str,
    limits: Vec<Limit>,
}

/// The answer.
#[derive(Serialize)]
struct Shown {
    /// That of the whole policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<Capacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
}

pub(crate) fn run(command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show { group, profile, config, format } => {
            let read =
                config.map(|path| Config::read(&path)).transpose().map_err(Failure::usage)?;
            let (policy, capacity) = read.map_or((Policy::LOTUS_V1, Capacity::NODE), |read| {
                (read.policy, read.capacity.into())
            });
            policy.validate().map_err(Failure::usage)?;
            let capacity = profile.map_or(capacity, Capacity::from);
            format.print(&shown(&policy, capacity, group.as_deref())?)
        }
        PolicyCommand::Check { config } => {
            let config = Config::read(&config).map_err(Failure::usage)?;
            config.policy.validate().map_err(Failure::usage)?;
            let hash = hex::encode(config.policy.hash());
            crate::output::line(format_args!("policy {hash} can be used"))
        }
    }
}

fn shown(policy: &Policy, capacity: Capacity, only: Option<&str>) -> Result<Shown, Failure> {
    let policy_values = serde_json::to_value(policy).map_err(Failure::failed)?;
    let names: Vec<_> = Policy::GROUPS.iter().map(|(name, _)| *name).collect();
    let certified = only.is_none_or(|only| only == "certificate");
    if let Some(only) = only
        && !certified
        && !names.contains(&only)
    {
        return Err(Failure::usage(format_args!(
            "there is no group `{only}`, but{}, certificate",
            names.join(", ").trim_start_matches(',')
        )));
    }
    let groups = Policy::GROUPS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let groups = groups.map(|(name, fields)| {
        let values = if name.is_empty() { &policy_values } else { &policy_values[*name] };
        let single = fields.iter().filter(|of| !name.is_empty() || !names.contains(&of.name));
        let limits = single.map(|field| limit(field, &values[field.name])).collect();
        Group { name, limits }
    });
    Ok(Shown {
        hash: only.is_none().then(|| hex::encode(policy.hash())),
        groups: groups.collect(),
        capacity: certified.then_some(capacity),
        certificate: certified.then(|| policy.certificate(capacity)),
    })
}

fn limit(field: &PolicyField, value: &Value) -> Limit {
    let doc = field.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let first = doc.split_once(". ").map_or(doc.trim_end_matches('.'), |(first, _)| first);
    let number = || value.as_u64().unwrap_or_default();
    let (unit, text) = match field.kind {
        "Millis" => (Some("ms"), span(number())),
        "Amount" => (Some("sat"), Amount::from_sats(number()).to_string()),
        "Quota" => (Some("µs, tokens"), quota(value)),
        _ if first.contains("1/1000") => (Some("1/1000"), format!("{value} / 1000")),
        _ if first.contains("bytes") => (Some("bytes"), format!("{value} bytes")),
        _ => (None, value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)),
    };
    let meaning = first.replace(['[', ']', '`'], "");
    Limit { name: field.name, value: value.clone(), unit, meaning, text }
}

/// Milliseconds in the largest unit that does without a fraction.
fn span(ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let whole = units.iter().find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{ms} ms"), |(unit, name)| format!("{} {name}", ms / unit))
}

fn quota(value: &Value) -> String {
    let number = |name: &str| value[name].as_u64().unwrap_or_default();
    let (interval, burst) = (number("interval_us"), number("burst"));
    let rate = match interval {
        1..1_000_000 if 1_000_000_u64.is_multiple_of(interval) => {
            format!("{} per s", 1_000_000 / interval)
        }
        _ => format!("1 per {}", span(interval / 1_000)),
    };
    format!("{rate}, {burst} at once")
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(hash) = &self.hash {
            writeln!(f, "policy {hash}")?;
        }
        for Group { name, limits } in &self.groups {
            if !name.is_empty() {
                writeln!(f, "{name}")?;
            }
            for Limit { name, text, meaning, .. } in limits {
                writeln!(f, "  {name:<20} {text:<26} {meaning}")?;
            }
        }
        if let (Some(certificate), Some(capacity)) = (&self.certificate, &self.capacity) {
            writeln!(f, "certificate")?;
            for (name, value) in lines(certificate, capacity) {
                writeln!(f, "  {name:<26} {value}")?;
            }
        }
        Ok(())
    }
}

/// The certificate, a line each.
fn lines(of: &Certificate, capacity: &Capacity) -> Vec<(String, String)> {
    let newcomers = capacity.identities.div_ceil(2);
    let line = |name: &str, value: String| (name.to_owned(), value);
    let mut lines = vec![
        line("memory", format!("{} bytes of tables, {} of the Gate", of.tables, of.gate)),
        line("connections", of.connections.to_string()),
        line(
            "signature checks",
            format!("{}, {} signatures each at most", rate(of.checks), of.signatures_per_check),
        ),
        line("bytes to decode", rate(of.bytes)),
        line("bytes of unfinished frames", of.unfinished.to_string()),
        line("block headers asked for", rate(of.lookups)),
        line("inbound slots taken by", groups(of.inbound)),
    ];
    for cells in of.cells {
        let refused = f64::from(cells.refused) / 10.0;
        lines.push((format!("{refused} % of strangers out by"), groups(cells.groups)));
    }
    let [basic, verified, institutional] = of.displace;
    lines.extend([
        line(
            &format!("{} strangers' rows by", of.stranger_rows),
            format!("{} in {}", groups(of.stranger_groups), span(of.stranger_fill.get())),
        ),
        line("a Basic signer out for", price(basic)),
        line("a Verified signer for", price(verified)),
        line("an Institutional one for", price(institutional)),
        line("half of the directory for", price(of.half_directory)),
        line(&format!("{newcomers} identities for"), price(of.fill_newcomers)),
        line("", "(of a day's issuance in November 2025, and at height 1,292,529)".to_owned()),
    ]);
    lines
}

fn rate(Rate { per_second, burst }: Rate) -> String {
    format!("{per_second} per s, {burst} at once")
}

fn groups(GroupCount { narrow, wide }: GroupCount) -> String {
    format!("{narrow} narrow address groups in {wide} wide ones")
}

fn price(of: Price) -> String {
    // 10,000 millionths are a hundredth.
    let share = |millionths: Option<u64>| {
        let of = millionths.unwrap_or(u64::MAX);
        format!("{}.{:04} %", of / 10_000, of % 10_000)
    };
    let (then, later) = (share(of.november_2025), share(of.height_1_292_529));
    format!("{} ({then}, {later})", of.burn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_policy_is_shown_with_a_meaning() {
        let shown = shown(&Policy::LOTUS_V1, Capacity::NODE, None).unwrap();
        let policy = serde_json::to_value(Policy::LOTUS_V1).unwrap();
        let mut count = 0;
        for (name, value) in policy.as_object().unwrap() {
            let fields: Vec<_> = match value.as_object() {
                Some(fields) => fields.iter().map(|(field, value)| (name, field, value)).collect(),
                None => vec![(name, name, value)],
            };
            for (group, field, value) in fields {
                let group = if group == field { "" } else { group };
                let group = shown.groups.iter().find(|of| of.name == group).unwrap();
                let limit = group.limits.iter().find(|limit| limit.name == field).unwrap();
                assert_eq!(limit.value, *value);
                assert!(limit.meaning.len() > 3 && !limit.meaning.contains(['\n', '`']), "{field}");
                count += 1;
            }
        }
        assert_eq!(count, shown.groups.iter().map(|group| group.limits.len()).sum::<usize>());
    }

    /// All but the bytes of memory, which change with every row.
    #[test]
    fn the_documented_certificate_is_that_of_a_node() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/commands.md");
        let page = std::fs::read_to_string(path).unwrap();
        let shown = shown(&Policy::LOTUS_V1, Capacity::NODE, Some("certificate")).unwrap();
        for line in shown.to_string().lines().filter(|line| !line.starts_with("  memory ")) {
            assert!(page.lines().any(|documented| documented == line), "{line}");
        }
    }

    #[test]
    fn spans_and_quotas_have_units() {
        assert_eq!(
            [999, 1_000, 90_000, 5_400_000, 86_400_000].map(span),
            ["999 ms", "1 s", "90 s", "90 min", "1 d"]
        );
        let of = |quota: ltms_core::Quota| super::quota(&serde_json::to_value(quota).unwrap());
        assert_eq!(of(ltms_core::Quota::per_second(20, 60)), "20 per s, 60 at once");
        let minute = ltms_core::Millis::from_mins(1);
        assert_eq!(of(ltms_core::Quota::every(minute, 2)), "1 per 1 min, 2 at once");
    }
}
