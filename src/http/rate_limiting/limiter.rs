//! A rate limiter with many keys.

use std::{
    convert::Infallible,
    hash::Hash,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::error::RateLimited;

/// The most keys that are remembered; beyond it the least used are forgotten, which gives them their limit anew.
const CAPACITY: usize = 50_000;

/// A number of points per minute for each key, all of which can be spent in one burst (GCRA).
#[derive(Debug)]
pub(in crate::http::rate_limiting) struct Limiter<K> {
    quota: NonZeroU32,
    states: Cache<K, Arc<State>>,
}

#[derive(Debug)]
struct State {
    limiter: DefaultDirectRateLimiter<StateInformationMiddleware>,
    /// Until when nothing is left, as of the last time something was taken.
    empty_until: Mutex<Option<Instant>>,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// `None` for a quota of zero, which is none.
    pub(in crate::http::rate_limiting) fn per_minute(quota: u32) -> Option<Self> {
        let quota = NonZeroU32::new(quota)?;
        Some(Self { quota, states: Cache::new(CAPACITY) })
    }

    /// Takes points, or says when there are enough of them. More than all of them is all of them.
    pub(in crate::http::rate_limiting) fn take(&self, key: &K, points: u32) -> Result<(), RateLimited> {
        let Ok(state) = self.states.get_or_insert_with(key, || Ok::<_, Infallible>(Arc::new(State::new(self.quota))));
        state.take(NonZeroU32::new(points).unwrap_or(NonZeroU32::MIN).min(self.quota))
    }

    /// Takes the rest of these points, of which `taken` were taken before.
    pub(in crate::http::rate_limiting) fn take_rest(
        &self,
        key: &K,
        points: u32,
        taken: u32,
    ) -> Result<(), RateLimited> {
        let at_most_all = |points: u32| points.min(self.quota.get());
        match at_most_all(points).saturating_sub(at_most_all(taken)) {
            0 => Ok(()),
            rest => self.take(key, rest),
        }
    }

    /// Fails if nothing is left. Takes nothing.
    pub(in crate::http::rate_limiting) fn check(&self, key: &K) -> Result<(), RateLimited> {
        self.states.get(key).map_or(Ok(()), |state| state.check(self.quota))
    }
}

impl State {
    fn new(quota: NonZeroU32) -> Self {
        let limiter = RateLimiter::direct(Quota::per_minute(quota)).with_middleware();
        Self { limiter, empty_until: Mutex::default() }
    }

    fn take(&self, points: NonZeroU32) -> Result<(), RateLimited> {
        let Ok(taken) = self.limiter.check_n(points) else { return Ok(()) };
        match taken {
            Ok(left) => {
                if left.remaining_burst_capacity() == 0 {
                    self.empty_for(left.quota().replenish_interval());
                }
                Ok(())
            }
            Err(early) => {
                let wait = early.wait_time_from(self.limiter.clock().now());
                Err(RateLimited { limit: early.quota().burst_size(), wait })
            }
        }
    }

    fn check(&self, quota: NonZeroU32) -> Result<(), RateLimited> {
        let until = *self.empty_until.lock();
        let wait = until.and_then(|until| until.checked_duration_since(Instant::now()));
        wait.map_or(Ok(()), |wait| Err(RateLimited { limit: quota, wait }))
    }

    fn empty_for(&self, wait: Duration) {
        *self.empty_until.lock() = Some(Instant::now() + wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_quota_and_is_told_when_there_is_more() {
        let limiter = Limiter::per_minute(60).unwrap();
        assert!(limiter.take(&"ann", 60).is_ok());
        let refused = limiter.take(&"ann", 10).unwrap_err();
        assert_eq!(refused.limit.get(), 60);
        assert!(refused.wait > Duration::from_secs(9) && refused.wait <= Duration::from_secs(10), "{refused:?}");
        assert!(limiter.take(&"bob", 1).is_ok());
    }

    #[test]
    fn what_costs_more_than_the_quota_takes_all_of_it() {
        let limiter = Limiter::per_minute(10).unwrap();
        assert!(limiter.take(&(), 1000).is_ok());
        assert!(limiter.take(&(), 1).is_err());
    }

    #[test]
    fn the_rest_of_what_costs_more_than_the_quota_is_the_rest_of_it() {
        let limiter = Limiter::per_minute(10).unwrap();
        assert!(limiter.take(&(), 2).is_ok());
        assert!(limiter.take_rest(&(), 2, 2).is_ok());
        assert!(limiter.take_rest(&(), 1000, 2).is_ok());
        assert!(limiter.take(&(), 1).is_err());
    }

    #[test]
    fn a_check_takes_nothing_and_fails_when_nothing_is_left() {
        let limiter = Limiter::per_minute(2).unwrap();
        for _ in 0..2 {
            assert!(limiter.check(&()).is_ok());
            assert!(limiter.take(&(), 1).is_ok());
        }
        assert!(limiter.check(&()).is_err());
    }

    #[test]
    fn a_quota_of_zero_is_no_limit() {
        assert!(Limiter::<()>::per_minute(0).is_none());
    }
}
