//! Embeds the GraphiQL page (`playground/`), after building it with npm if that has not been done, and tells cargo that
//! the migrations are compiled in.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> io::Result<()> {
    let dist = Path::new("playground/dist");
    // A production build is the same whether the page was built before or not.
    let is_for_development = env::var_os("CARGO_FEATURE_EMBEDDED").is_some();
    if is_for_development && is_stale(&dist.join("index.html")) {
        build_playground();
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    // cargo takes a missing path for a changed one, and would run this again for each build.
    println!("cargo::rerun-if-changed={}", if dist.is_dir() { dist } else { Path::new("playground") }.display());
    let files = [dist.join("index.html")].into_iter().chain(assets(&dist.join("assets")));
    let files: String = files
        .filter(|path| is_for_development && path.is_file())
        .map(|path| entry(&path))
        .collect::<io::Result<_>>()?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("playground.rs"), format!("&[\n{files}]"))
}

/// What the page is built from.
const SOURCES: [&str; 4] =
    ["playground/package-lock.json", "playground/build.js", "playground/index.html", "playground/src"];

/// Whether the page was not built, or one of its sources is newer.
fn is_stale(page: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let sources = SOURCES.iter().flat_map(|source| {
        let inside = fs::read_dir(source).into_iter().flatten().flatten().map(|entry| entry.path());
        inside.chain([PathBuf::from(source)])
    });
    let newest = sources.filter_map(|source| modified(&source)).max();
    modified(page).is_none_or(|built| newest.is_some_and(|newest| newest > built))
}

/// Only for development builds, and never a reason to fail: without the bundle the page loads its scripts from a CDN.
fn build_playground() {
    let npm = ["ci", "--prefix", "playground", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=10000"];
    let message = match Command::new("npm").args(npm).output() {
        Ok(output) if output.status.success() => "built the GraphiQL page with npm, once",
        Ok(_) => "GraphiQL will load its scripts from a CDN: `npm ci --prefix playground` failed",
        Err(_) => "GraphiQL will load its scripts from a CDN: there is no npm to build the page with",
    };
    println!("cargo::warning={message}");
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
