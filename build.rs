//! Bundles the app and the GraphiQL page for development builds, and tells cargo that the migrations are compiled in.
//!
//! It writes into `OUT_DIR` only: cargo would take a file that it made among the sources for a change, and build again.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    // What is shipped has no pages for development.
    bundle("web", env::var_os("CARGO_FEATURE_EMBEDDED").is_some())
}

/// Bundles an npm project whose script `build` fills its folder `dist`, and writes `OUT_DIR/<project>.rs`: the path and the
/// content of each of these files, as a slice. If it isn't wanted or can't be bundled, which fails no build, that is empty.
fn bundle(project: &str, is_wanted: bool) -> io::Result<()> {
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let (copy, dist) = (out.join(project), out.join(project).join("dist"));
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    let mut bundled = Vec::new();
    if is_wanted {
        for file in files(Path::new(project))? {
            println!("cargo::rerun-if-changed={}", file.display());
            let copied = out.join(&file);
            fs::create_dir_all(copied.parent().unwrap_or(&copy))?;
            fs::copy(file, copied)?;
        }
        match run_npm(&copy) {
            Ok(()) => bundled = files(&dist)?,
            Err(why) => warn(project, &why),
        }
        // A hundred megabytes for each set of features, which nothing reads again.
        let _ = fs::remove_dir_all(copy.join("node_modules"));
    }
    let entry = |path: &Path| {
        let path = path.display();
        // What is included is looked for beside the list.
        format!("(\"{path}\", include_bytes!(\"{project}/dist/{path}\")),\n")
    };
    let list: Vec<_> = bundled.iter().flat_map(|path| path.strip_prefix(&dist)).map(entry).collect();
    fs::write(copy.with_extension("rs"), format!("&[\n{}]", list.concat()))
}

/// All files in a folder, but for its tests, and what npm leaves there if it is run by hand.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.path() {
            _ if ["node_modules", "dist", "tests"].iter().any(|name| entry.file_name() == *name) => {}
            path if path.is_dir() => found.extend(files(&path)?),
            path => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

/// Installs what the lock file names, but for what only tests need, and bundles. No script of a package is run. The error says
/// what is missing.
fn run_npm(project: &Path) -> Result<(), String> {
    let install = [
        "ci",
        "--omit=dev",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=0",
        "--fetch-timeout=10000",
    ];
    for args in [&install[..], &["run", "build"]] {
        let npm = Command::new("npm").args(args).current_dir(project).output();
        let npm = npm.map_err(|error| format!("npm can't be started: {error}"))?;
        if !npm.status.success() {
            let why = String::from_utf8_lossy(&npm.stderr);
            let why: Vec<_> = why.lines().take(4).collect();
            return Err(format!("`npm {}` failed:\n{}", args.join(" "), why.join("\n")));
        }
    }
    Ok(())
}

fn warn(project: &str, why: &str) {
    let text = format!(
        "{project}/ is left out of this build: {why}\n\
         To have it, install Node.js 20 or newer with npm, then `touch build.rs` and build again."
    );
    for line in text.lines() {
        println!("cargo::warning={line}");
    }
}
