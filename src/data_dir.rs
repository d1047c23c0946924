//! The directory of a server that keeps its own data.

use std::{fs, io, path::Path};

/// Makes a directory, and those above it, that only its owner may look into: what is in there is everybody's tasks, a
/// socket that asks for no password, and the secret that signs tokens.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
