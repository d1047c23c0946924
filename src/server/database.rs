//! The database: the configured one, or the embedded one.

use crate::{config::Config, error::Result, store::DbConfig};

/// A database that is ready for use.
pub struct Database {
    /// How to reach it.
    pub config: DbConfig,
    /// How to reach it as the owner of its tables.
    pub migrating: DbConfig,
    #[cfg(feature = "embedded")]
    embedded: Option<crate::store::Embedded>,
}

impl Database {
    /// The database of `DATABASE_URL`, or else the embedded one, which is started.
    #[cfg_attr(not(feature = "embedded"), expect(clippy::unused_async, reason = "the embedded database is awaited"))]
    pub async fn open(config: &Config) -> Result<Self> {
        let settings = &config.database;
        match &settings.database_url {
            Some(target) => Ok(Self {
                config: settings.pool(target.clone(), settings.database_pool_size),
                migrating: settings.migrating(target),
                #[cfg(feature = "embedded")]
                embedded: None,
            }),
            #[cfg(feature = "embedded")]
            None => {
                let embedded = crate::store::Embedded::open(&settings.data_dir).await?;
                let config = settings.pool(embedded.target().clone(), crate::store::EMBEDDED_POOL_SIZE);
                Ok(Self { migrating: config.clone(), config, embedded: Some(embedded) })
            }
            #[cfg(not(feature = "embedded"))]
            None => Err(crate::error::Error::internal("this build has no embedded database: set DATABASE_URL")),
        }
    }

    /// Stops the embedded database. All connections must be closed.
    #[cfg_attr(not(feature = "embedded"), expect(clippy::unused_async, reason = "the embedded database is awaited"))]
    pub async fn close(self) -> Result<()> {
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.embedded {
            embedded.close().await?;
        }
        Ok(())
    }
}
