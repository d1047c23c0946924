//! An issuer's key set, kept up to date. Tokens with a known key never wait for the issuer: the keys of the last successful
//! fetch stay in use, even while the issuer is down.

use std::{sync::Arc, time::Instant};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::{Mutex, RwLock};
use reqwest::{
    Client, StatusCode,
    header::{self, HeaderMap},
    redirect::Policy,
};
use tokio::task::AbortHandle;
use tracing::Instrument;

use super::{
    jwks_config::{JwksConfig, Timing, is_loopback},
    key_set::KeySet,
};
use crate::{
    error::Chain,
    telemetry::{self, root_span},
};

/// Maximum size of a key set, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// An issuer's key set, and how it is fetched.
pub(crate) struct Jwks {
    url: String,
    client: Client,
    timing: Timing,
    state: RwLock<State>,
    fetches: Mutex<Fetches>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<KeySet>,
    /// The error of the last fetch, if it failed.
    failure: Option<Arc<str>>,
}

#[derive(Default)]
struct Fetches {
    last: Option<Fetch>,
    /// When an unknown key id last caused a fetch, unless a new key has been found since.
    futile_since: Option<Instant>,
}

impl Fetches {
    fn in_flight(&self) -> Option<Fetch> {
        self.last.clone().filter(|fetch| !fetch.task.is_finished())
    }
}

/// A fetch, shared by all who wait for it.
#[derive(Clone)]
struct Fetch {
    done: Shared<BoxFuture<'static, ()>>,
    task: AbortHandle,
}

impl Jwks {
    pub(crate) fn new(config: &JwksConfig) -> Result<Arc<Self>, reqwest::Error> {
        // Plain HTTP is only for this machine and private networks, so it bypasses proxies.
        let is_plain = config.url.scheme() == "http";
        let mut client = Client::builder()
            .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")))
            .timeout(config.timing.timeout)
            .https_only(!is_plain)
            .redirect(Policy::none());
        if is_plain || is_loopback(&config.url) {
            client = client.no_proxy();
        }
        Ok(Arc::new(Self {
            url: config.url.to_string(),
            client: client.build()?,
            timing: config.timing.clone(),
            state: RwLock::default(),
            fetches: Mutex::default(),
        }))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The keys of the last successful fetch.
    pub(crate) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.state.read().keys)
    }

    /// The error of the last fetch, if it failed.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        self.state.read().failure.clone()
    }

    /// Fetches the key set at intervals, until this is dropped.
    pub(crate) fn keep_fresh(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(jwks) = weak.upgrade() {
                let fetch = jwks.join_or_start(&mut jwks.fetches.lock());
                fetch.done.await;
                let pause = if jwks.failure().is_none() { jwks.timing.refresh } else { jwks.timing.retry };
                drop(jwks);
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// Fetches the key set because a key is missing, unless a fetch in flight finds it (`is_known`), or the cooldown since the
    /// last futile fetch isn't over.
    pub(crate) async fn look_for(self: &Arc<Self>, is_known: impl Fn(&KeySet) -> bool) {
        let in_flight = self.fetches.lock().in_flight();
        if let Some(fetch) = in_flight {
            fetch.done.await;
            if is_known(&self.keys()) {
                return;
            }
            // That fetch may have started before the issuer had the key.
        }
        let fetch = self.fetch_unless_futile();
        if let Some(fetch) = fetch {
            fetch.done.await;
        }
    }

    fn fetch_unless_futile(self: &Arc<Self>) -> Option<Fetch> {
        let mut fetches = self.fetches.lock();
        if fetches.in_flight().is_none() {
            if fetches.futile_since.is_some_and(|at| at.elapsed() < self.timing.cooldown) {
                return None;
            }
            fetches.futile_since = Some(Instant::now());
        }
        Some(self.join_or_start(&mut fetches))
    }

    /// A fetch runs in a task of its own, so that it survives the request that caused it.
    fn join_or_start(self: &Arc<Self>, fetches: &mut Fetches) -> Fetch {
        if let Some(fetch) = fetches.in_flight() {
            return fetch;
        }
        let this = Arc::clone(self);
        let span = root_span!("fetch key set", otel.kind = "client", url = self.url);
        let trace = span.in_scope(telemetry::outgoing_headers);
        let running = tokio::spawn(async move { this.refresh(trace).await }.instrument(span));
        let task = running.abort_handle();
        let fetch = Fetch { done: running.map(|_| ()).boxed().shared(), task };
        fetches.last = Some(fetch.clone());
        fetch
    }

    async fn refresh(&self, trace: HeaderMap) {
        let old = self.state.read().clone();
        let fetched = self.fetch(trace).await.and_then(|body| KeySet::parse(&body, &old.keys).map_err(str::to_owned));
        telemetry::jwks_fetched(&self.url, fetched.is_ok());
        let new = match fetched {
            Ok(keys) => {
                self.report(&keys, &old);
                if !keys.ids_missing_in(&old.keys).is_empty() {
                    // This fetch wasn't futile.
                    self.fetches.lock().futile_since = None;
                }
                State { keys: Arc::new(keys), failure: None }
            }
            Err(reason) => {
                let known = old.keys.len();
                tracing::warn!(url = self.url, reason, known, "can't fetch a key set, the known keys stay in use");
                State { failure: Some(reason.into()), ..old }
            }
        };
        *self.state.write() = new;
    }

    fn report(&self, keys: &KeySet, old: &State) {
        let (url, count) = (&self.url, keys.len());
        let (added, removed) = (keys.ids_missing_in(&old.keys), old.keys.ids_missing_in(keys));
        telemetry::jwks_changed(url, count, added.len(), removed.len());
        if old.failure.is_some() {
            tracing::info!(url, "a key set can be fetched again");
        }
        if count == 0 {
            tracing::warn!(url, ?removed, "a key set has no usable key, so no token of its issuer is accepted");
        } else if !added.is_empty() || !removed.is_empty() {
            tracing::info!(url, count, ?added, ?removed, "key set changed");
        }
    }

    async fn fetch(&self, trace: HeaderMap) -> Result<Vec<u8>, String> {
        let explain = |error: reqwest::Error| Chain(&error.without_url()).to_string();
        let request = self.client.get(&self.url).header(header::ACCEPT, "application/json").headers(trace);
        let mut response = request.send().await.map_err(explain)?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {} instead of 200", response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(explain)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!("larger than {MAX_BODY} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").field("url", &self.url).field("keys", &self.keys()).finish_non_exhaustive()
    }
}
