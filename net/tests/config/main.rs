//! Configuration files, good and bad, and the command that reads them.

mod file;
mod keys;
mod node;
mod policy;
mod variables;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
    time::Duration,
};

use ltms_net::config::Config;
use tokio::{process::Command, time::timeout};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An empty folder of this test's own.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("config").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn file(folder: &Path, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    path
}

/// What is said about a file with this text.
fn refusal(text: &str) -> String {
    let error = Config::parse(text).and_then(|config| config.validate()).expect_err(text);
    error.to_string()
}

fn ltms(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ltms"));
    command.arg("node").args(args).env_remove("RUST_LOG").kill_on_drop(true);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LTMS_"))
    {
        command.env_remove(name);
    }
    command
}

async fn output(args: &[&str]) -> (Option<i32>, String, String) {
    output_with(args, &[]).await
}

/// The same with variables of the environment.
async fn output_with(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = ltms(args);
    let ran = timeout(PATIENCE, command.envs(variables.iter().copied()).output());
    let Output { status, stdout, stderr } = ran.await.expect("in time").expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}
