//! Key files.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use ltms_net::key_file::{self, KeyFileError};

use crate::{file, folder, output_with};

#[test]
fn a_peer_key_is_made_once_and_only_for_its_owner() {
    let folder = folder("peer-key");
    let path = folder.join("peer.key");
    assert!(key_file::existing_peer_key(&path).expect("no file").is_none());
    let made = key_file::peer_key(&path).expect("made");
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
    let read = key_file::peer_key(&path).expect("read");
    assert_eq!(made.public(), read.public());
    for mode in [0o640, 0o604, 0o620, 0o602, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        let error = key_file::peer_key(&path).expect_err("open to others");
        let said = error.to_string();
        assert!(matches!(error, KeyFileError::OpenToOthers(_, found) if found == mode));
        assert!(
            said.contains("chmod 600") && said.contains(path.to_str().expect("text")),
            "{said}"
        );
    }
    for (name, content) in [("empty", vec![]), ("noise", vec![7; 68]), ("long", vec![8; 1 << 16])] {
        let bad = file(&folder, name, &content, 0o600);
        assert!(matches!(key_file::peer_key(&bad), Err(KeyFileError::NotAKey(..))), "{name}");
        assert_eq!(fs::read(&bad).expect("still there"), content, "nothing is overwritten");
    }
    let nowhere = folder.join("none").join("peer.key");
    assert!(matches!(key_file::peer_key(&nowhere), Err(KeyFileError::Io(..))));
}

#[test]
fn an_identity_key_is_hexadecimal_and_only_for_its_owner() {
    let folder = folder("identity-key");
    let digits = "01".repeat(32);
    let key = key_file::identity_key(&file(&folder, "key", &digits, 0o600)).expect("a key");
    let line = file(&folder, "line", format!("{digits}\n"), 0o400);
    assert_eq!(key_file::identity_key(&line).expect("a key").public_key(), key.public_key());
    let open = file(&folder, "open", &digits, 0o644);
    assert!(matches!(key_file::identity_key(&open), Err(KeyFileError::OpenToOthers(..))));
    for text in ["", "01", &digits[1..], &"zz".repeat(32), &"00".repeat(32), &"ff".repeat(32)] {
        let bad = file(&folder, "bad", text, 0o600);
        assert!(matches!(key_file::identity_key(&bad), Err(KeyFileError::NotAKey(..))), "{text}");
    }
    let missing = key_file::identity_key(&folder.join("none"));
    assert!(matches!(missing, Err(KeyFileError::Missing(..))));
}

#[test]
fn a_key_file_is_a_regular_file_of_one_s_own() {
    let folder = folder("odd-keys");
    let path = folder.join("peer.key");
    let made = key_file::peer_key(&path).expect("made");
    let link = folder.join("link.key");
    std::os::unix::fs::symlink(&path, &link).expect("linked");
    let said = key_file::peer_key(&link).expect_err("a link").to_string();
    assert!(said.contains("symbolic link"), "{said}");
    let dangling = folder.join("dangling.key");
    std::os::unix::fs::symlink(folder.join("none"), &dangling).expect("linked");
    assert!(matches!(key_file::peer_key(&dangling), Err(KeyFileError::NotAFile(..))));
    assert!(!folder.join("none").exists(), "nothing is made at the end of a link");
    assert!(matches!(key_file::peer_key(&folder), Err(KeyFileError::NotAFile(_, "a folder"))));
    // A pipe without a writer would otherwise be waited for.
    let pipe = folder.join("pipe.key");
    let made_pipe = std::process::Command::new("mkfifo").arg("-m600").arg(&pipe).status();
    assert!(made_pipe.expect("run").success());
    assert!(matches!(key_file::peer_key(&pipe), Err(KeyFileError::NotAFile(..))));

    // A truncated key is none, and stays as it is.
    let whole = fs::read(&path).expect("read");
    for len in [0, 1, whole.len() / 2, whole.len() - 1] {
        let half = file(&folder, "half.key", &whole[..len], 0o600);
        assert!(matches!(key_file::peer_key(&half), Err(KeyFileError::NotAKey(..))), "{len}");
        assert_eq!(fs::read(&half).expect("read"), whole[..len]);
    }
    assert_eq!(key_file::peer_key(&path).expect("still good").public(), made.public());
}

#[test]
fn a_key_file_of_another_user_is_refused() {
    let folder = folder("others-key");
    let path = folder.join("peer.key");
    key_file::peer_key(&path).expect("made");
    let user = fs::metadata(&path).expect("there").uid();
    // Only root can give a file away; for anybody else, root's own files serve.
    match std::os::unix::fs::chown(&path, Some(user + 1), None) {
        Ok(()) => {
            let error = key_file::peer_key(&path).expect_err("somebody else's");
            let owned = matches!(
                error,
                KeyFileError::OfSomebodyElse { owner, user: me, .. } if owner == user + 1 && me == user
            );
            assert!(owned, "{error}");
        }
        Err(_) => assert!(key_file::password("/etc/shadow".as_ref()).is_err()),
    }
}

/// As systemd hands it over: root's, and lent to the unit's user alone.
#[tokio::test]
async fn a_credential_of_systemd_is_taken_from_its_folder_and_from_nowhere_else() {
    let folder = folder("credentials");
    let lent = file(&folder, "lotusd", "secret", 0o440);
    if fs::metadata(&lent).expect("there").uid() != 0 {
        // Nobody but root makes files of root's.
        std::os::unix::fs::chown(&lent, Some(0), None).expect_err("somebody else");
        return;
    }
    let lotusd = ["--lotusd", "http://127.0.0.1:1", "--user", "ltms", "--password-file"];
    let lotusd = [&["--check-config"][..], &lotusd, &[lent.to_str().expect("text")]].concat();
    let here = folder.to_str().expect("text").to_owned();
    let (code, _, said) = output_with(&lotusd, &[("CREDENTIALS_DIRECTORY", &here)]).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, _, said) =
        output_with(&lotusd, &[("CREDENTIALS_DIRECTORY", "/run/credentials")]).await;
    assert!(code == Some(2) && said.contains("is open to others"), "{said}");
    fs::set_permissions(&lent, fs::Permissions::from_mode(0o444)).expect("set");
    let (code, _, said) = output_with(&lotusd, &[("CREDENTIALS_DIRECTORY", &here)]).await;
    assert!(code == Some(2) && said.contains("is open to others"), "{said}");
}
