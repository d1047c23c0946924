//! The `tandem` command.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// `tandem` in this directory, with nothing in its environment but that it doesn't wait for a load balancer when it
/// stops: the one that was built with the tests, unless `TANDEM` names another.
pub fn tandem(dir: &Path, args: &[&str]) -> Command {
    let program = std::env::var_os("TANDEM").unwrap_or_else(|| env!("CARGO_BIN_EXE_tandem").into());
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().env("SHUTDOWN_DELAY", "0s");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

pub fn output(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    tandem(dir, args).envs(env.iter().copied()).stderr(Stdio::piped()).output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
