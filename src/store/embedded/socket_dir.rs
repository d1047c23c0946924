//! The directory of the embedded database's socket. The socket asks for no password, so only the user of this process
//! may get at it.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use tempfile::TempDir;

const PREFIX: &str = "run-";
const MODE: u32 = 0o700;
/// The longest path of a parent directory: a socket's address has 103 bytes on some systems, of which the directory's
/// name and the socket's own take 29.
const MAX_PARENT: usize = 74;

/// Creates one with a random name in the data directory, or among the temporary files if the path would be too long. It
/// is removed when it is dropped.
pub(super) fn create(data_dir: &Path) -> io::Result<TempDir> {
    let parent = if data_dir.as_os_str().len() <= MAX_PARENT { data_dir.to_owned() } else { std::env::temp_dir() };
    let mode = fs::Permissions::from_mode(MODE);
    let dir = tempfile::Builder::new().prefix(PREFIX).rand_bytes(10).permissions(mode).tempdir_in(parent)?;
    if is_private(&fs::symlink_metadata(dir.path())?) {
        return Ok(dir);
    }
    // Some file systems, like those shared with Windows, have no owners and modes.
    Err(io::Error::other("other users of this machine could get at the database here: choose another DATA_DIR"))
}

/// Removes those of processes that were killed. Only for who holds the lock on the data directory.
pub(super) fn remove_stale(data_dir: &Path, own: &TempDir) {
    for entry in fs::read_dir(data_dir).into_iter().flatten().flatten() {
        let is_stale = entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.path() != own.path();
        if is_stale && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::debug!(%error, path = %entry.path().display(), "can't remove the directory of an old socket");
        }
    }
}

fn is_private(metadata: &fs::Metadata) -> bool {
    metadata.is_dir()
        && metadata.uid() == rustix::process::geteuid().as_raw()
        && metadata.permissions().mode() & 0o777 == MODE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_random_even_where_the_path_is_too_long_for_the_data_directory() {
        let data_dir = tempfile::tempdir().unwrap();
        let long = data_dir.path().join("x".repeat(MAX_PARENT));
        for parent in [data_dir.path(), &long] {
            let [one, other] = [create(parent).unwrap(), create(parent).unwrap()];
            assert_ne!(one.path(), other.path());
            assert!(one.path().join(".s.PGSQL.5432").as_os_str().len() <= 103);
            assert!(is_private(&fs::metadata(one.path()).unwrap()));
        }
    }

    #[test]
    fn a_directory_that_others_may_look_into_is_not_private() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o755, 0o770, 0o777, 0o701] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(!is_private(&fs::metadata(dir.path()).unwrap()), "{mode:o}");
        }
    }

    #[test]
    fn only_the_directories_of_old_sockets_are_removed() {
        let data_dir = tempfile::tempdir().unwrap();
        let own = create(data_dir.path()).unwrap();
        for name in ["run-stale", "postgres"] {
            fs::create_dir(data_dir.path().join(name)).unwrap();
        }
        remove_stale(data_dir.path(), &own);
        assert!(own.path().exists() && data_dir.path().join("postgres").exists());
        assert!(!data_dir.path().join("run-stale").exists());
    }
}
