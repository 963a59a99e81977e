//! Everything in `tests/vectors` that concerns this crate, entry by entry.

mod blocks;
mod burns;
mod headers;
mod inclusion;
mod regtest;
mod schnorr;
mod scripts;
mod sighash;
mod transactions;
mod txoutproofs;

use std::{fs, path::PathBuf};

use ltms_core::hash::sha256;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors"))
}

fn read(name: &str) -> Vec<u8> {
    let path = folder().join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of hexadecimal digits whose hash is the manifest's.
fn hex_file(name: &str) -> Vec<u8> {
    let text = read(name);
    assert_eq!(manifest()[name]["sha256"], hex::encode(sha256(&[&text])), "{name} was changed");
    hex::decode(str::from_utf8(&text).unwrap().trim()).unwrap()
}

fn manifest() -> Value {
    serde_json::from_slice(&read("manifest.json")).unwrap()
}

/// A file of vectors whose hash is the manifest's.
struct Vectors {
    name: &'static str,
    root: Value,
    manifest: Value,
}

impl Vectors {
    fn load(name: &'static str) -> Self {
        let bytes = read(name);
        let manifest = manifest()[name].take();
        assert_eq!(manifest["sha256"], hex::encode(sha256(&[&bytes])), "{name} was changed");
        Self { name, root: serde_json::from_slice(&bytes).unwrap(), manifest }
    }

    /// Runs `check` for each entry of the list, `"."` for a file that is one list. There must be
    /// as many as the manifest says.
    fn each(&self, list: &str, mut check: impl FnMut(&Value)) {
        let entries = if list == "." { &self.root } else { &self.root[list] };
        let entries = entries.as_array().unwrap_or_else(|| panic!("{}: no {list}", self.name));
        assert!(!entries.is_empty(), "{}: {list} is empty", self.name);
        assert_eq!(self.manifest["entries"][list], entries.len(), "{}: {list}", self.name);
        entries.iter().for_each(&mut check);
        println!("{} {list}: {} checked", self.name, entries.len());
    }
}

/// Reads fields of an entry; a missing one fails the test.
trait Entry {
    fn text(&self, field: &str) -> &str;
    fn number(&self, field: &str) -> u64;

    fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field)).unwrap()
    }

    fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        self.bytes(field).try_into().unwrap()
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, field: &str) -> T {
        self.text(field).parse().unwrap()
    }
}

impl Entry for Value {
    fn text(&self, field: &str) -> &str {
        self[field].as_str().unwrap_or_else(|| panic!("no text {field} in {self}"))
    }

    fn number(&self, field: &str) -> u64 {
        self[field].as_u64().unwrap_or_else(|| panic!("no number {field} in {self}"))
    }
}

fn reversed(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes.reverse();
    bytes
}

#[test]
fn the_manifest_names_every_file_and_only_files_that_are_there() {
    fn files(folder: &std::path::Path, prefix: &str, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                files(&entry.path(), &format!("{name}/"), names);
            } else if name != "manifest.json" {
                names.push(name);
            }
        }
    }
    let mut found = Vec::new();
    files(&folder(), "", &mut found);
    found.sort();
    let manifest = manifest();
    let mut named: Vec<_> = manifest.as_object().unwrap().keys().cloned().collect();
    named.sort();
    assert_eq!(found, named);
    for name in named {
        assert_eq!(manifest[&name]["sha256"], hex::encode(sha256(&[&read(&name)])), "{name}");
    }
}

fn vectors_with(entries: usize, expected: usize) -> Vectors {
    let root = serde_json::json!({ "list": vec![0; entries] });
    let manifest = serde_json::json!({ "entries": { "list": expected } });
    Vectors { name: "made up", root, manifest }
}

#[test]
fn as_many_entries_as_expected_are_checked() {
    let mut seen = 0;
    vectors_with(3, 3).each("list", |_| seen += 1);
    assert_eq!(seen, 3);
}

#[test]
#[should_panic(expected = "is empty")]
fn an_empty_list_fails() {
    vectors_with(0, 0).each("list", |_| ());
}

#[test]
#[should_panic(expected = "made up: list")]
fn a_shorter_list_fails() {
    vectors_with(2, 3).each("list", |_| ());
}

#[test]
#[should_panic(expected = "no other")]
fn a_missing_list_fails() {
    vectors_with(2, 2).each("other", |_| ());
}
