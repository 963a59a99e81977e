//! A reader of OpenMetrics 1.0 text that forgives nothing.

use std::collections::{BTreeMap, HashSet};

/// Metrics of one name.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, _)| label == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The labels but `le`, which tells the buckets of one histogram apart.
    fn series(&self) -> String {
        let mut labels: Vec<_> = self.labels.iter().filter(|(name, _)| name != "le").collect();
        labels.sort();
        format!("{labels:?}")
    }
}

/// What samples of a kind may be called after their family.
fn suffixes(kind: &str) -> Result<&'static [&'static str], String> {
    Ok(match kind {
        "gauge" | "unknown" => &[""],
        "counter" => &["_total", "_created"],
        "histogram" => &["_bucket", "_count", "_sum", "_created"],
        "info" => &["_info"],
        kind => return Err(format!("`{kind}` is no type that is used here")),
    })
}

fn is_name(name: &str, colon: bool) -> bool {
    let fits = |c: char| c == '_' || c.is_ascii_alphanumeric() || colon && c == ':';
    name.chars().all(fits) && name.starts_with(|c: char| fits(c) && !c.is_ascii_digit())
}

/// Every family by its name.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("no `# EOF` at the end")?;
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("`# EOF` is not on a line of its own".into());
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        read(line, &mut families, &mut current).map_err(|error| format!("{error}: {line}"))?;
    }
    let mut taken = HashSet::new();
    for (name, family) in &families {
        check(name, family)?;
        // A sample may not be taken for another family's.
        let names: HashSet<_> = suffixes(&family.kind)?.iter().copied().chain([""]).collect();
        for suffix in names {
            if !taken.insert(format!("{name}{suffix}")) {
                return Err(format!("{name}{suffix} is the name of two things"));
            }
        }
    }
    Ok(families)
}

fn read(
    line: &str,
    families: &mut BTreeMap<String, Family>,
    current: &mut String,
) -> Result<(), String> {
    let Some(told) = line.strip_prefix("# ") else {
        let (sample, rest) = sample(line)?;
        if !rest.is_empty() {
            return Err("timestamps and exemplars are not used here".into());
        }
        let family = families.get_mut(current).ok_or("a sample without a family")?;
        let suffix = sample.name.strip_prefix(current.as_str()).ok_or("not of this family")?;
        if !suffixes(&family.kind)?.contains(&suffix) {
            return Err(format!("no name for a {}", family.kind));
        }
        family.samples.push(sample);
        return Ok(());
    };
    let mut words = told.splitn(3, ' ');
    let (what, name, text) = (words.next(), words.next(), words.next());
    let (Some(what), Some(name), Some(text)) = (what, name, text) else {
        return Err("not about a family".into());
    };
    if !is_name(name, true) {
        return Err("no name".into());
    }
    if current != name && families.contains_key(name) {
        return Err("a family in two places".into());
    }
    *current = name.to_owned();
    let family = families.entry(name.to_owned()).or_default();
    if !family.samples.is_empty() {
        return Err("told after the samples".into());
    }
    let place = match what {
        "TYPE" => &mut family.kind,
        "HELP" => &mut family.help,
        "UNIT" => family.unit.get_or_insert_default(),
        _ => return Err("neither TYPE, HELP nor UNIT".into()),
    };
    if !place.is_empty() {
        return Err("told twice".into());
    }
    text.clone_into(place);
    Ok(())
}

/// A sample, and what follows its value.
fn sample(line: &str) -> Result<(Sample, &str), String> {
    let end = line.find(['{', ' ']).ok_or("no sample")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err("no name".into());
    }
    let mut labels: Vec<(String, String)> = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.split_once("=\"").ok_or("no label")?;
            if !is_name(label, false) || labels.iter().any(|(other, _)| other == label) {
                return Err(format!("`{label}` is no label, or there twice"));
            }
            let mut value = String::new();
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next().ok_or("a label without an end")? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next() {
                        Some((_, c @ ('\\' | '"'))) => c,
                        Some((_, 'n')) => '\n',
                        _ => return Err("a wrong escape".into()),
                    }),
                    (_, c) => value.push(c),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &quoted[end + 1..];
            rest = match rest.strip_prefix(',') {
                Some(more) if !more.starts_with('}') => more,
                None if rest.starts_with('}') => rest,
                _ => return Err("labels are parted by one comma".into()),
            };
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').ok_or("one space before the value")?;
    let (value, rest) = value.split_once(' ').unwrap_or((value, ""));
    let value = value.parse().map_err(|_| "no number")?;
    Ok((Sample { name: name.to_owned(), labels, value }, rest))
}

fn check(name: &str, family: &Family) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{name}: {what}"));
    if family.help.is_empty() {
        return wrong("no HELP");
    }
    if family.unit.as_ref().is_some_and(|unit| !name.ends_with(&format!("_{unit}"))) {
        return wrong("its name does not end with its unit");
    }
    let mut seen = HashSet::new();
    for sample in &family.samples {
        if !seen.insert((&sample.name, sample.series(), sample.label("le"))) {
            return wrong("the same sample twice");
        }
        if sample.value.is_nan() {
            return wrong("not a number");
        }
        if family.kind != "gauge" && (sample.value < 0.0 || sample.value.is_infinite()) {
            return wrong("a count below zero or without end");
        }
        if family.kind == "info" && sample.value != 1.0 {
            return wrong("information that is not 1");
        }
    }
    if family.kind == "histogram" {
        let series: HashSet<_> = family.samples.iter().map(Sample::series).collect();
        for series in series {
            let of = |suffix: &str| {
                let name = format!("{name}{suffix}");
                let samples = family.samples.iter();
                samples
                    .filter(|sample| sample.name == name && sample.series() == series)
                    .collect::<Vec<_>>()
            };
            let buckets = of("_bucket");
            let bounds: Vec<f64> = buckets
                .iter()
                .filter_map(|bucket| bucket.label("le")?.replace("+Inf", "inf").parse().ok())
                .collect();
            let rises = bounds.is_sorted_by(|a, b| a < b)
                && buckets.is_sorted_by(|a, b| a.value <= b.value)
                && bounds.len() == buckets.len();
            let last = buckets.last().filter(|bucket| bucket.label("le") == Some("+Inf"));
            let all = last.map(|bucket| bucket.value);
            let count = of("_count").first().map(|count| count.value);
            if !rises || all.is_none() || all != count || of("_sum").len() != 1 {
                return wrong("its buckets do not rise to its count");
            }
        }
    }
    Ok(())
}

#[test]
fn the_reader_takes_what_the_rules_allow() {
    let text = "# HELP a_seconds A \\\"thing\\\".\n# TYPE a_seconds counter\n\
                # UNIT a_seconds seconds\na_seconds_total{x=\"\\\\ \\\" \\n\",y=\"\"} 1.5\n\
                # HELP h H.\n# TYPE h histogram\nh_sum 2\nh_count 3\n\
                h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n# EOF\n";
    let families = parse(text).expect("good text");
    assert_eq!(families["a_seconds"].samples[0].labels[0].1, "\\ \" \n");
    assert_eq!(families["h"].samples.len(), 4);
}

#[test]
fn the_reader_refuses_what_the_rules_do_not_allow() {
    let gauge = "# HELP a A.\n# TYPE a gauge\n";
    for (text, problem) in [
        (format!("{gauge}a 1\n"), "no `# EOF`"),
        (format!("{gauge}a 1\n# EOF\n# EOF\n"), "not about a family"),
        (format!("{gauge}a 1# EOF\n"), "line of its own"),
        (format!("{gauge}a 1\na 2\n# EOF\n"), "twice"),
        (format!("{gauge}a{{x=\"1\"}} 1\na{{x=\"1\"}} 1\n# EOF\n"), "twice"),
        (format!("{gauge}a{{x=\"1\",x=\"2\"}} 1\n# EOF\n"), "there twice"),
        (format!("{gauge}a{{x=\"1\",}} 1\n# EOF\n"), "one comma"),
        (format!("{gauge}a{{x=\"\\t\"}} 1\n# EOF\n"), "escape"),
        (format!("{gauge}a_total 1\n# EOF\n"), "no name for a gauge"),
        (format!("{gauge}b 1\n# EOF\n"), "not of this family"),
        (format!("{gauge}a one\n# EOF\n"), "no number"),
        (format!("{gauge}a  1\n# EOF\n"), "no number"),
        (format!("{gauge}a 1 1700000000\n# EOF\n"), "timestamps"),
        (format!("{gauge}\na 1\n# EOF\n"), "no sample"),
        (format!("{gauge}a 1\n# TYPE b gauge\n# HELP b B.\n{gauge}# EOF\n"), "two places"),
        (format!("{gauge}{gauge}# EOF\n"), "told twice"),
        ("# TYPE a gauge\na 1\n# EOF\n".into(), "no HELP"),
        ("# HELP a A.\n# TYPE a counter\na 1\n# EOF\n".into(), "no name for a counter"),
        ("# HELP a A.\n# TYPE a counter\na_total -1\n# EOF\n".into(), "below zero"),
        ("# HELP a A.\n# TYPE a gauge\n# UNIT a seconds\n# EOF\n".into(), "its unit"),
        (
            "# HELP a A.\n# TYPE a counter\n# HELP a_total A.\n# TYPE a_total gauge\n# EOF\n"
                .into(),
            "two things",
        ),
        (
            "# HELP h H.\n# TYPE h histogram\nh_sum 2\nh_count 3\nh_bucket{le=\"+Inf\"} 2\n# EOF\n"
                .into(),
            "buckets",
        ),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(error.contains(problem), "{error}, expected {problem}, of {text}");
    }
}
