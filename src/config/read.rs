//! Reads the command line and the environment.
//!
//! clap stops at the first invalid value, but operators want to see all of them. So each invalid value is recorded and
//! removed, and everything is read again. Once that succeeds, the rules across settings are checked too.

use std::{
    error::Error as _,
    ffi::{OsStr, OsString},
};

use clap::{
    Command, FromArgMatches,
    builder::Resettable,
    error::{ContextKind, ContextValue},
};

use super::{
    Config, ConfigErrors,
    secret_files::{SecretFile, secret_files},
};

/// Parses the command line. Errors other than invalid settings, like an unknown flag, end the process with clap's message; so
/// does `--help`.
pub(crate) fn read<T: FromArgMatches>(
    command: &Command,
    mut args: Vec<OsString>,
    config: impl Fn(&T) -> &Config,
) -> Result<T, ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let files = secret_files(command, &args, &mut errors);
    args.splice(1..1, files.iter().map(SecretFile::argument));
    let mut command = command.clone().mut_args(|arg| {
        // Compose files and `.env` templates set variables to an empty string to leave them unset.
        let is_empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        let arg = arg.global(true);
        if is_empty { arg.env(Resettable::Reset) } else { arg }
    });
    loop {
        let error = match command.clone().try_get_matches_from(&args) {
            Ok(matches) => {
                let read = T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
                config(&read).check(&mut errors);
                return errors.into_result().map(|()| read);
            }
            Err(error) => error,
        };
        let Some((flag, reason)) = invalid_value(&error) else { error.exit() };
        let is_meant = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| flag == format!("--{long}"));
        let Some(arg) = command.get_arguments().find(is_meant) else { error.exit() };
        let (id, name) = (arg.get_id().clone(), arg.get_env().unwrap_or(arg.get_id().as_str().as_ref()).to_owned());
        let file = files.iter().find(|file| file.flag == flag).map(|file| file.variable.as_str().into());
        errors.push(&file.unwrap_or_else(|| name.to_string_lossy()), reason);
        command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
        args = without(&flag, args);
    }
}

/// The flag with an invalid value, and its parser's error.
fn invalid_value(error: &clap::Error) -> Option<(String, String)> {
    let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = arg.split_whitespace().next()?.to_owned();
    Some((flag, error.source()?.to_string()))
}

/// Removes a flag and its value, in either form.
fn without(flag: &str, args: Vec<OsString>) -> Vec<OsString> {
    let joined = format!("{flag}=");
    let mut kept = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == OsStr::new(flag) {
            args.next();
        } else if !arg.to_string_lossy().starts_with(&joined) {
            kept.push(arg);
        }
    }
    kept
}
