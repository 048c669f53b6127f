//! Work that is done once although many ask for it at the same moment.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::error::Error;

type Flight<V> = Shared<BoxFuture<'static, Result<V, Error>>>;

/// Values by key. Whoever asks while a value is being made waits for it and shares its failure; a
/// value is kept, a failure is not: the next one to ask starts anew.
#[derive(Debug)]
pub(crate) struct Flights<K, V>(Mutex<HashMap<K, Flight<V>>>);

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The value of `key`: the kept one when `usable` says so, else the one that `make` gives.
    pub(crate) async fn get<F>(
        &self,
        key: K,
        usable: impl Fn(&V) -> bool,
        make: impl FnOnce() -> F,
    ) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.lock();
            match flights.get(&key) {
                Some(flight)
                    if flight
                        .peek()
                        .is_none_or(|result| result.as_ref().is_ok_and(&usable)) =>
                {
                    flight.clone()
                }
                _ => {
                    let flight = make().boxed().shared();
                    flights.insert(key.clone(), flight.clone());
                    flight
                }
            }
        };
        // Everybody who waits drives the work, so it goes on when the first one is cancelled.
        let result = flight.clone().await;
        if result.is_err() {
            let mut flights = self.lock();
            if flights
                .get(&key)
                .is_some_and(|current| current.ptr_eq(&flight))
            {
                flights.remove(&key);
            }
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Flight<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
