//! Node programs that run against the server under test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::Need;

/// An npm project of this repository, with its dependencies installed.
pub struct Project(PathBuf);

impl Project {
    /// The error says why it can't run here; with `REQUIRE_NODE=1` that fails the test.
    pub fn open(path: &str) -> Result<Self, String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let installed = install(&dir);
        assert!(!Need::Node.is_required() || installed.is_ok(), "REQUIRE_NODE=1, but {}", installed.unwrap_err());
        installed.map(|()| Self(dir))
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Runs a program of the project to its end.
    pub async fn run(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> Finished {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.0).envs(env.iter().copied()).stdin(Stdio::null());
        // The server under test runs on this thread.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        Finished::from(output.unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

/// A program's output, and whether it succeeded.
pub struct Finished {
    pub is_ok: bool,
    pub text: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self { is_ok: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
    }
}

/// Whether the tested build has the GraphiQL page, judged by what it serves. It was bundled if npm was there.
pub fn has_graphiql(page: &str) -> bool {
    !page.contains("not part of this build")
}

/// Installs the lock file's packages, unless that was done since it last changed.
fn install(dir: &Path) -> Result<(), String> {
    // Several runs of the tests may need it at once.
    let lock = fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm.lock")).unwrap();
    lock.lock().unwrap();
    for program in ["node", "npm"] {
        let version = Command::new(program).arg("--version").output();
        version.map_err(|_| format!("there is no {program} here"))?;
    }
    let lock = fs::read(dir.join("package-lock.json")).unwrap();
    let stamp = dir.join("node_modules/.installed");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let output = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(dir).output().unwrap();
    if !output.status.success() {
        return Err(format!("npm ci failed in {}: {}", dir.display(), String::from_utf8_lossy(&output.stderr)));
    }
    fs::write(stamp, lock).unwrap();
    Ok(())
}
