//! Trusted documents: an allow-list in a file, written by a client's build or recorded by the server.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use serde::Deserialize;

use super::hash::hash;

/// How much of a file is learned: any client may send documents, and each rewrites the file.
const MAX_LEARNED: usize = 2000;
const MAX_LEARNED_BYTES: usize = 2 * 1024 * 1024;

/// What happens to a document that is not in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustMode {
    /// It is executed and added to the file, which holds up to 2,000 documents and 2 MiB then.
    Learn,
    /// It is rejected.
    #[default]
    Enforce,
}

impl FromStr for TrustMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "learn" => Ok(Self::Learn),
            "enforce" => Ok(Self::Enforce),
            _ => Err(format!("must be learn or enforce, got `{text}`")),
        }
    }
}

/// The documents of a file by their ids.
#[derive(Debug)]
pub struct TrustedDocuments {
    file: PathBuf,
    mode: TrustMode,
    documents: Mutex<BTreeMap<String, Arc<str>>>,
    is_full: AtomicBool,
}

impl TrustedDocuments {
    /// Reads the file: `{id: document}` as graphql-codegen and Relay write it, or Apollo's manifest. In
    /// [`TrustMode::Learn`] it need not exist.
    pub fn open(file: &Path, mode: TrustMode) -> io::Result<Self> {
        let documents = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && mode == TrustMode::Learn => BTreeMap::new(),
            read => serde_json::from_slice::<Manifest>(&read?)?.into(),
        };
        Ok(Self { file: file.to_owned(), mode, documents: Mutex::new(documents), is_full: AtomicBool::new(false) })
    }

    pub(in crate::graphql) fn get(&self, id: &str) -> Option<Arc<str>> {
        self.documents.lock().get(id).cloned()
    }

    /// Whether a document with this text may be executed.
    pub(in crate::graphql) fn allows(&self, text: &str) -> bool {
        let documents = self.documents.lock();
        self.mode == TrustMode::Learn
            || documents.contains_key(&hash(text))
            || documents.values().any(|document| **document == *text)
    }

    /// Adds a valid document to the file, if it has room.
    pub(in crate::graphql) fn learn(&self, text: &str) {
        if self.mode == TrustMode::Enforce {
            return;
        }
        let mut documents = self.documents.lock();
        if documents.values().any(|document| **document == *text) {
            return;
        }
        let bytes: usize = documents.values().map(|document| document.len()).sum();
        if documents.len() >= MAX_LEARNED || bytes + text.len() > MAX_LEARNED_BYTES {
            if !self.is_full.swap(true, Ordering::Relaxed) {
                let file = self.file.display();
                tracing::warn!(%file, "the file of trusted documents is full (2,000 documents or 2 MiB): further documents are executed, but not added");
            }
            return;
        }
        documents.insert(hash(text), text.into());
        if let Err(error) = self.write(&documents) {
            tracing::error!(%error, file = %self.file.display(), "can't write the trusted documents");
        }
    }

    /// Replaces the file atomically: a reader never sees half of it.
    fn write(&self, documents: &BTreeMap<String, Arc<str>>) -> io::Result<()> {
        let documents: BTreeMap<_, &str> = documents.iter().map(|(id, text)| (id, &**text)).collect();
        let new = self.file.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(&documents)?)?;
        fs::rename(new, &self.file)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<ManifestOperation> },
    ById(BTreeMap<String, String>),
}

#[derive(Deserialize)]
struct ManifestOperation {
    id: String,
    body: String,
}

impl From<Manifest> for BTreeMap<String, Arc<str>> {
    fn from(manifest: Manifest) -> Self {
        match manifest {
            Manifest::Apollo { operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body.into())).collect()
            }
            Manifest::ById(documents) => documents.into_iter().map(|(id, text)| (id, text.into())).collect(),
        }
    }
}
