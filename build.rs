//! Tells cargo what the code is made from besides itself: migrations are compiled in, and so is the playground where it
//! has been built (see `playground/`). Nothing is run or fetched for it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let dist = Path::new("playground/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    // What is not there would count as changed each time.
    println!("cargo::rerun-if-changed={}", if dist.is_dir() { dist } else { Path::new("playground") }.display());
    let files = [dist.join("index.html")].into_iter().chain(assets(&dist.join("assets")));
    let files: String = files.filter(|path| path.is_file()).map(|path| entry(&path)).collect::<io::Result<_>>()?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("playground.rs"), format!("&[\n{files}]"))
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
