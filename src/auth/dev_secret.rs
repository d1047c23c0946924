//! The secret of development mode, created once and kept in the data directory.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;

use crate::data_dir::create_private;

/// Reads the file `secret` in the data directory, or creates it so that only its owner can read it.
pub fn dev_secret(data_dir: &Path) -> io::Result<SecretString> {
    let path = data_dir.join("secret");
    match fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => Ok(secret.trim().into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create(data_dir, &path),
    }
}

/// Writes a temporary file first, so that a crash can't leave half a secret.
fn create(data_dir: &Path, path: &Path) -> io::Result<SecretString> {
    create_private(data_dir)?;
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(secret.as_bytes())?;
    fs::rename(&new, path)?;
    Ok(secret.into())
}
