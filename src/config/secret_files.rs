//! Secrets in files, as is usual in containers: `DATABASE_URL_FILE` is the path of a file with the value of `DATABASE_URL`.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::Path,
};

use clap::{Arg, Command};

use super::ConfigErrors;

/// The variable with the path of a setting's file; `None` if the setting is not a secret.
pub(super) fn file_variable(arg: &Arg) -> Option<String> {
    let variable = arg.get_env().filter(|_| arg.is_hide_env_values_set())?;
    Some(format!("{}_FILE", variable.to_string_lossy()))
}

/// A secret read from a file.
pub(super) struct SecretFile {
    /// The setting's flag.
    pub(super) flag: String,
    /// The variable with the path of the file.
    pub(super) variable: String,
    content: String,
}

impl SecretFile {
    /// The setting as a command-line argument.
    pub(super) fn argument(&self) -> OsString {
        format!("{}={}", self.flag, self.content).into()
    }
}

/// Reads all secrets in files. A flag takes precedence over a file, as over a variable.
pub(super) fn secret_files(command: &Command, args: &[OsString], errors: &mut ConfigErrors) -> Vec<SecretFile> {
    let mut files = Vec::new();
    for arg in command.get_arguments() {
        let (Some(variable), Some(long)) = (file_variable(arg), arg.get_long()) else { continue };
        let Some(path) = value_of(&variable) else { continue };
        let flag = format!("--{long}");
        if is_given(&flag, args) {
            continue;
        }
        match content(arg, &path) {
            Ok(content) => files.push(SecretFile { flag, variable, content }),
            Err(reason) => errors.push(&variable, reason),
        }
    }
    files
}

fn content(arg: &Arg, path: &OsStr) -> Result<String, String> {
    let direct = arg.get_env().unwrap_or_default();
    if value_of(direct).is_some() {
        return Err(format!("{} is set as well. Set only one of them", direct.to_string_lossy()));
    }
    let shown = Path::new(path).display();
    let content = fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
    // Editors and `echo` add a newline.
    match content.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{shown} is empty")),
        content => Ok(content.to_owned()),
    }
}

/// The value of a variable, unless it is empty.
fn value_of(variable: impl AsRef<OsStr>) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

fn is_given(flag: &str, args: &[OsString]) -> bool {
    let joined = format!("{flag}=");
    args.iter().any(|arg| arg == OsStr::new(flag) || arg.to_string_lossy().starts_with(&joined))
}
