//! Tells cargo what the code is made from besides itself: migrations are compiled in, and so is the playground (see
//! `playground/`), which is built here where npm is there to do it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> io::Result<()> {
    let dist = Path::new("playground/dist");
    if env::var_os("CARGO_FEATURE_EMBEDDED").is_some() && !dist.join("index.html").is_file() {
        build_playground();
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    // What is not there would count as changed each time.
    println!("cargo::rerun-if-changed={}", if dist.is_dir() { dist } else { Path::new("playground") }.display());
    let files = [dist.join("index.html")].into_iter().chain(assets(&dist.join("assets")));
    let files: String = files.filter(|path| path.is_file()).map(|path| entry(&path)).collect::<io::Result<_>>()?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("playground.rs"), format!("&[\n{files}]"))
}

/// Only for builds to try things out with, and never a reason to fail: without it the page takes its scripts from a CDN.
fn build_playground() {
    let patience = ["--fetch-retries=0", "--fetch-timeout=10000"];
    let built =
        Command::new("npm").args(["ci", "--prefix", "playground", "--no-audit", "--no-fund"]).args(patience).output();
    if built.is_ok_and(|output| !output.status.success()) {
        println!("cargo::warning=GraphiQL will need the internet, for `npm ci --prefix playground` failed");
    }
}

fn assets(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut assets: Vec<_> = entries.map(|entry| entry.path()).collect();
    assets.sort();
    assets
}

/// A file as its name and its content.
fn entry(path: &Path) -> io::Result<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let path = path.canonicalize()?.display().to_string();
    Ok(format!("({name:?}, include_bytes!({path:?})),\n"))
}
