//! The data directory of development mode.

use std::{fs, io, path::Path};

/// Creates a directory and its parents, accessible only to their owner: the directory contains all users' tasks and the secret
/// that signs tokens.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
