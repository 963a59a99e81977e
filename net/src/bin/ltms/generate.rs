//! `ltms completions` and `ltms man`: what packages install beside the command.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Command, ValueEnum};
use clap_complete::aot::{self, generate};

use crate::{failure::Failure, output};

/// A shell that completes command lines.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints what teaches a shell the command.
pub(crate) fn completions(shell: Shell, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
    };
    generate(shell, &mut command, "ltms", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::failed),
    }
}

/// Writes a manual page of the command and of every subcommand.
pub(crate) fn man(folder: &PathBuf, command: Command) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::failed(format_args!("cannot write in {}: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let command = command.disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    let pages = fs::read_dir(folder).map_err(failed)?.count();
    output::line(format_args!("{pages} pages in {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The command and everything below it, by the names of their pages.
    fn all(command: &Command, prefix: &str, found: &mut Vec<(String, Command)>) {
        let name = format!("{prefix}{}", command.get_name());
        found.push((name.clone(), command.clone()));
        for below in command.get_subcommands() {
            all(below, &format!("{name}-"), found);
        }
    }

    fn commands() -> Vec<(String, Command)> {
        let mut found = Vec::new();
        all(&crate::Cli::command(), "", &mut found);
        found
    }

    #[test]
    fn every_command_has_a_page_and_says_what_it_is() {
        let folder = std::env::temp_dir().join(format!("ltms-man-{}", std::process::id()));
        man(&folder, crate::Cli::command()).unwrap();
        let commands = commands();
        for (name, command) in &commands {
            let page = fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && page.contains(".SH NAME"), "{name}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), commands.len());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_flag_has_a_help_text() {
        for (name, command) in commands() {
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{name}: {}", argument.get_id());
            }
        }
    }

    #[test]
    fn every_shell_is_taught_every_command() {
        for shell in [aot::Shell::Bash, aot::Shell::Zsh, aot::Shell::Fish] {
            let mut script = Vec::new();
            generate(shell, &mut crate::Cli::command(), "ltms", &mut script);
            let script = String::from_utf8(script).unwrap();
            for below in crate::Cli::command().get_subcommands() {
                assert!(script.contains(below.get_name()), "{shell}: {}", below.get_name());
            }
        }
    }
}
