use std::fs;

use super::{folder, ltms};

/// A recorded incident, one record a line, without the comments.
fn lines() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/recordings/flood.txt");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split(" #").next().unwrap().to_owned()).collect()
}

fn file(test: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder(test).join("recording");
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The recording in files of their own, in bytes and in lines.
fn files(test: &str, lines: &[String]) -> [String; 2] {
    let bytes = hex::decode(lines.concat()).unwrap();
    [file(&format!("{test}-bytes"), bytes), file(&format!("{test}-lines"), lines.join("\n"))]
}

/// What is said about it, whichever form it has.
#[track_caller]
fn refused(test: &str, lines: &[String]) -> String {
    let [one, other] = files(test, lines).map(|file| {
        let said = ltms(&["replay", &file]).refused(2);
        said.strip_prefix(&format!("{file}: ")).unwrap().to_owned()
    });
    assert_eq!(one, other);
    one
}

#[test]
fn a_recording_replays_in_both_forms_and_its_lines_are_the_vector() {
    let lines = lines();
    let calls = lines.len() - 1;
    let vector = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/recordings/flood.txt");
    let version = env!("CARGO_PKG_VERSION");
    let good = format!("{calls} calls, answered as {version} did\n");
    for path in files("replay", &lines).iter().chain([&vector.to_owned()]) {
        assert_eq!(ltms(&["replay", path]).good(), good);
        let printed = ltms(&["replay", "--lines", path]).good();
        let (_, copied) = printed.split_once('\n').unwrap();
        let vector = fs::read_to_string(vector).unwrap();
        let (_, expected) = vector.split_once('\n').unwrap();
        assert_eq!(copied, format!("{expected}# {good}"));
        // Replayed from what was printed, and from some of it.
        let copy = file("replay-copy", &printed);
        assert_eq!(ltms(&["replay", &copy]).good(), good);
    }
    let some: Vec<_> = lines.iter().take(5).cloned().collect();
    let [file, _] = files("replay-some", &some);
    assert_eq!(ltms(&["replay", &file]).good(), format!("4 calls, answered as {version} did\n"));
}

#[test]
fn an_answer_that_differs_is_printed_and_is_exit_code_1() {
    let mut lines = lines();
    let last = lines.len() - 1;
    // `accept new` becomes `accept clear`.
    lines[last] = lines[last].strip_suffix("8201f6").unwrap().to_owned() + "8204f6";
    for file in files("replay-differs", &lines) {
        let answer = ltms(&["replay", &file]);
        assert_eq!(answer.code, Some(1));
        let expected =
            format!("call {last}: 1795400070000 admit_ad: accept new, recorded: accept clear\n");
        assert_eq!(answer.out, expected);
        assert_eq!(answer.complaint(), format!("1 of {last} answers differ"));
    }
}

/// A tip that comes too late leaves no ticket for what follows; the replay goes on to the end.
#[test]
fn what_follows_from_a_difference_is_told_as_such() {
    let mut lines = lines();
    lines.remove(1);
    let [file, _] = files("replay-follows", &lines);
    let answer = ltms(&["replay", &file]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let first = answer.out.lines().next().unwrap();
    assert!(first.ends_with(", recorded: accept new"), "{first}");
    assert!(answer.complaint().ends_with(&format!("of {} answers differ", lines.len() - 1)));
    // Without a difference before, it is the file that is wrong.
    let settle = lines.iter().position(|line| line.starts_with("850d")).unwrap();
    lines.remove(settle - 1);
    let said = refused("replay-orphan", &lines);
    assert_eq!(said, format!("call {}: nothing before hands out ticket 1", settle - 1));
}

#[test]
fn what_is_no_whole_recording_of_this_format_is_refused_with_the_reason() {
    let good = lines();
    let header = hex::decode(&good[0]).unwrap();
    let with_header = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut header = header.clone();
        change(&mut header);
        let mut lines = good.clone();
        lines[0] = hex::encode(header);
        lines
    };
    let format = 2 + "ltms recording".len();
    let other = with_header(&|header| header[format] = 2);
    assert_eq!(refused("replay-format", &other), "recorded in format 2; this version reads 1");
    let policy = header.windows(10).position(|part| part == b"violations").unwrap() + 10;
    let other = with_header(&|header| header[policy] += 1);
    let said = refused("replay-policy", &other);
    assert_eq!(said, "the policy is not the one that its hash names");
    let none = with_header(&|header| header[2] = b'L');
    assert_eq!(refused("replay-none", &none), "not the header of a recording");

    let mut cut = good.clone();
    let last = good.len() - 1;
    let whole = cut[last].len();
    cut[last].truncate(whole - 2);
    let said = refused("replay-cut", &cut);
    assert_eq!(said, format!("call {last}: the recording ends within it"));

    let mut corrupted = good.clone();
    // The number of a call that there is not.
    corrupted[3].replace_range(2..4, "00");
    assert_eq!(refused("replay-corrupted", &corrupted), "call 3: not a record of this version");

    let path = file("replay-text", "# a comment\nnot hexadecimal");
    let said = ltms(&["replay", &path]).refused(2);
    assert!(said.starts_with(&format!("{path}: line 2: ")), "{said}");
    let path = file("replay-empty", "");
    assert!(ltms(&["replay", &path]).refused(2).ends_with("not the header of a recording"));
    assert!(ltms(&["replay", "/nowhere"]).refused(2).starts_with("/nowhere: No such file"));
}
