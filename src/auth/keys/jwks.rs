//! An issuer's key set, kept up to date. A token of a known key never waits for the issuer: the keys of the last fetch are
//! used, even while the issuer is down.

use std::{sync::Arc, time::Instant};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::{Mutex, MutexGuard, RwLock};
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

/// One issuer's key set and how it is fetched.
pub(in crate::auth) struct Jwks {
    url: String,
    client: Client,
    timing: Timing,
    state: RwLock<State>,
    flight: Mutex<Flight>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<KeySet>,
    /// Why the last fetch failed, if it did.
    failure: Option<Arc<str>>,
}

/// The fetch in flight, shared by all who need one.
#[derive(Default)]
struct Flight {
    in_flight: Option<(Shared<BoxFuture<'static, ()>>, AbortHandle)>,
    /// When an unknown key id last caused a fetch, unless a new key has been found since.
    futile_since: Option<Instant>,
}

impl Flight {
    fn in_flight(&self) -> Option<Shared<BoxFuture<'static, ()>>> {
        let (fetch, task) = self.in_flight.as_ref()?;
        (!task.is_finished()).then(|| fetch.clone())
    }
}

impl Jwks {
    pub(in crate::auth) fn new(config: &JwksConfig) -> Result<Arc<Self>, reqwest::Error> {
        // Plain HTTP is for this machine or a private network: no proxy belongs between.
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
            flight: Mutex::default(),
        }))
    }

    pub(in crate::auth) fn url(&self) -> &str {
        &self.url
    }

    /// The keys of the last successful fetch.
    pub(in crate::auth) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.state().keys)
    }

    /// Why the last fetch failed, if it did.
    pub(in crate::auth) fn failure(&self) -> Option<Arc<str>> {
        self.state().failure
    }

    /// Fetches at intervals, until this is dropped.
    pub(in crate::auth) fn keep_fresh(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(jwks) = weak.upgrade() {
                let fetch = jwks.join_or_start(&mut jwks.flight());
                fetch.await;
                let pause = if jwks.failure().is_none() { jwks.timing.refresh } else { jwks.timing.retry };
                drop(jwks);
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// Fetches the keys because one is missing. `is_known` says whether it has been found. Returns when it has, or when
    /// the issuer must not be asked again yet.
    pub(in crate::auth) async fn look_for(self: &Arc<Self>, is_known: impl Fn(&KeySet) -> bool) {
        let in_flight = self.flight().in_flight();
        if let Some(fetch) = in_flight {
            fetch.await;
            if is_known(&self.keys()) {
                return;
            }
            // That fetch may have started before the issuer had the key.
        }
        let fetch = self.fetch_again();
        if let Some(fetch) = fetch {
            fetch.await;
        }
    }

    fn fetch_again(self: &Arc<Self>) -> Option<Shared<BoxFuture<'static, ()>>> {
        let mut flight = self.flight();
        if let Some(fetch) = flight.in_flight() {
            return Some(fetch);
        }
        if flight.futile_since.is_some_and(|at| at.elapsed() < self.timing.cooldown) {
            return None;
        }
        flight.futile_since = Some(Instant::now());
        Some(self.join_or_start(&mut flight))
    }

    /// The fetch runs in a task of its own, so it survives the request that caused it.
    fn join_or_start(self: &Arc<Self>, flight: &mut Flight) -> Shared<BoxFuture<'static, ()>> {
        if let Some(fetch) = flight.in_flight() {
            return fetch;
        }
        let this = Arc::clone(self);
        let span = root_span!("fetch key set", otel.kind = "client", url = self.url);
        let trace = span.in_scope(telemetry::outgoing_headers);
        let task = tokio::spawn(async move { this.refresh(trace).await }.instrument(span));
        let handle = task.abort_handle();
        let fetch = task.map(|_| ()).boxed().shared();
        flight.in_flight = Some((fetch.clone(), handle));
        fetch
    }

    async fn refresh(&self, trace: HeaderMap) {
        let old = self.state();
        let fetched = self.fetch(trace).await.and_then(|body| KeySet::parse(&body, &old.keys).map_err(str::to_owned));
        telemetry::jwks_fetched(&self.url, fetched.is_ok());
        let new = match fetched {
            Ok(keys) => {
                self.report(&keys, &old);
                if !keys.ids_missing_in(&old.keys).is_empty() {
                    // The cooldown is only for futile fetches: nobody but the issuer can make a key appear.
                    self.flight().futile_since = None;
                }
                State { keys: Arc::new(keys), failure: None }
            }
            Err(reason) => {
                let known = old.keys.len();
                tracing::warn!(url = self.url, reason, known, "can't fetch a key set; the known keys stay in use");
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
            tracing::warn!(url, ?removed, "a key set has no usable key: none of its tokens are accepted");
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

    fn state(&self) -> State {
        self.state.read().clone()
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock()
    }
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").field("url", &self.url).field("keys", &self.keys()).finish_non_exhaustive()
    }
}
