//! Writes `include/ltms.h` and `tests/c/layout.h`, or with `--check` says whether they are what
//! would be written.

mod layout;

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, iter};

use cbindgen::{Builder, Config, DocumentationStyle, Language, ParseConfig, SortKey, Style};
use ltms::Status;
use ltms_core::Reason;

/// What holds for every function.
const RULES: &str = include_str!("rules.h");

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut code = ExitCode::SUCCESS;
    for (name, text) in [("include/ltms.h", header()), ("tests/c/layout.h", layout::asserts())] {
        let path = root.join(name);
        if !check {
            fs::write(&path, text).expect("headers can be written");
        } else if !fs::read_to_string(&path).is_ok_and(|there| there == text) {
            eprintln!("{name} is not what the sources say: `make header` writes it");
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn header() -> String {
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        cpp_compat: true,
        include_guard: Some("LTMS_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: 100,
        tab_width: 4,
        header: Some(RULES.trim_end().into()),
        after_includes: Some(numbers()),
        parse: ParseConfig::default(),
        ..Config::default()
    };
    config.sort_by = SortKey::None;
    config.function.sort_by = Some(SortKey::None);
    config.constant.sort_by = Some(SortKey::None);
    config.export.exclude = vec!["ltms_status".into()];
    config.defines.insert("feature = std".into(), "LTMS_HOSTED".into());
    let mut text = Vec::new();
    Builder::new()
        .with_config(config)
        .with_crate(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .generate()
        .expect("cbindgen reads the sources")
        .write(&mut text);
    String::from_utf8(text).expect("cbindgen writes UTF-8")
}

/// What cbindgen cannot see, because macros make it.
fn numbers() -> String {
    let version = ltms_version();
    let [major, minor, patch] = parts(&version);
    let mut out = format!(
        "\n/* Define LTMS_BARE where the library for devices is linked. */\n\
         #ifndef LTMS_BARE\n#define LTMS_HOSTED 1\n#endif\n\n\
         /** The version that this header belongs to. */\n\
         #define LTMS_VERSION \"{version}\"\n\
         #define LTMS_VERSION_MAJOR {major}\n\
         #define LTMS_VERSION_MINOR {minor}\n\
         #define LTMS_VERSION_PATCH {patch}\n\n\
         /** How a call went. Numbers are never reused; more may come. */\n\
         typedef int32_t ltms_status;\nenum {{\n"
    );
    for status in Status::ALL {
        let (name, code, text) = (capitals(status.name()), status.code(), status.text());
        let _ = writeln!(out, "    /** {text} */\n    LTMS_{name} = {code},");
    }
    out.push_str("};\n\n/** Why a decision is what it is. Numbers are never reused. */\nenum {\n");
    for reason in Reason::ALL {
        let name = reason.as_str().replace('-', "_").to_uppercase();
        let (verdict, meaning) = (reason.verdict().as_str(), reason.meaning());
        let code = reason.code();
        let _ = writeln!(out, "    /** ({verdict}) {meaning} */\n    LTMS_REASON_{name} = {code},");
    }
    out.push_str("};\n");
    out
}

fn ltms_version() -> String {
    let manifest = include_str!("../../../Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.strip_suffix('"')).expect("the workspace has a version").into()
}

fn parts(version: &str) -> [&str; 3] {
    let parts: Vec<_> = version.split('.').collect();
    parts.try_into().expect("a version has three parts")
}

/// `TxSizeTooLarge` → `TX_SIZE_TOO_LARGE`.
fn capitals(name: &str) -> String {
    let starts = iter::once(false).chain(name.chars().skip(1).map(char::is_uppercase));
    let mut out = String::new();
    for (letter, starts) in name.chars().zip(starts) {
        if starts {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}
