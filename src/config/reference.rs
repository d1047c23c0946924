//! Generates `docs/CONFIGURATION.md`.

use std::fmt::Write;

use clap::{Arg, Command};

use super::secret_files::file_variable;

const HEAD: &str = "\
<!-- Generated: cargo run -q -- settings > docs/CONFIGURATION.md -->
# Configuration

Every setting and every command. To choose the settings for production, start with [OPERATIONS.md](OPERATIONS.md) and
[AUTH.md](AUTH.md).

Every setting is a flag and an environment variable; the flag takes precedence. Variables are also read from the file `.env`
in the working directory, unless the environment has them. An empty variable counts as unset. If settings are invalid, the
server reports all of them at startup, and exits.

Secrets can also be read from files, as is usual in containers: `DATABASE_URL_FILE` is the path of a file that contains the
value of `DATABASE_URL`. Trailing newlines are ignored. Setting both is an error.

Durations are written like `500ms`, `10s` or `2m`; switches are `true` or `false`.

Without `DATABASE_URL` and without a setting for who signs tokens, the server runs in **development mode**: with an embedded
database, a generated secret, the app, GraphiQL, introspection and metrics, and without rate limits.
";

/// The page, generated from clap's command.
#[must_use]
pub fn reference(mut command: Command) -> String {
    command.build();
    let mut page = HEAD.to_owned();
    let mut heading = None;
    for arg in command.get_arguments().filter(|arg| arg.get_env().is_some()) {
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            let title = heading.unwrap_or_default();
            let _ = write!(page, "\n## {title}\n\n| variable, flag | default | meaning |\n| --- | --- | --- |\n");
        }
        let _ = writeln!(page, "{}", row(arg));
    }
    page.push_str("\n## Commands\n\n| command | does |\n| --- | --- |\n");
    for command in visible(&command) {
        let mut nested = visible(command).peekable();
        if nested.peek().is_none() {
            let _ = writeln!(page, "| `tandem {}` | {} |", usage(command), about(command));
        }
        for inner in nested {
            let _ = writeln!(page, "| `tandem {} {}` | {} |", command.get_name(), usage(inner), about(inner));
        }
    }
    page
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn row(arg: &Arg) -> String {
    let variable = arg.get_env().unwrap_or_default().to_string_lossy();
    let flag = arg.get_long().unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let default = arg.get_default_values().first().map(|value| format!("`{}`", value.to_string_lossy()));
    // The help of an optional setting says what happens without it.
    let (meaning, unset) = match help.split_once(" [default: ") {
        Some((meaning, unset)) => (meaning, unset.trim_end_matches(']')),
        None => (help.as_str(), "none"),
    };
    let default = default.unwrap_or_else(|| unset.to_owned());
    let file = file_variable(arg).map(|file| format!("`{file}`<br>")).unwrap_or_default();
    format!("| `{variable}`<br>{file}`--{flag}` | {default} | {meaning} |")
}

fn usage(command: &Command) -> String {
    let mut usage = command.get_name().to_owned();
    for arg in command.get_arguments().filter(|arg| arg.get_id() != "help") {
        let _ = if arg.is_required_set() { write!(usage, " {arg}") } else { write!(usage, " [{arg}]") };
    }
    usage
}

fn about(command: &Command) -> String {
    command
        .get_long_about()
        .or_else(|| command.get_about())
        .map(|text| text.to_string().replace('\n', " "))
        .unwrap_or_default()
}
