//! The SDK clients of one session. They share its credentials, and each is made when it is first
//! used: most sessions never leave IAM.

use std::sync::{Arc, OnceLock};

use aws_sdk_iam::config::retry::{RetryConfig, RetryPartition};

use super::connection::ConfigParts;
use super::observe::Observer;
use super::pace::{Pace, Repeats};

/// The retry partitions of one account.
#[derive(Debug, Clone)]
pub(super) struct Partitions {
    /// For IAM.
    pub(super) iam: RetryPartition,
    /// For the secret store (SSM and KMS). It takes few writes a second, and must not slow IAM down.
    pub(super) store: RetryPartition,
}

/// The clients of one session.
#[derive(Debug)]
pub(super) struct Clients {
    parts: ConfigParts,
    partitions: Partitions,
    observer: Observer,
    store_pace: Arc<Pace>,
    iam: OnceLock<aws_sdk_iam::Client>,
    iam_once: OnceLock<aws_sdk_iam::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    kms: OnceLock<aws_sdk_kms::Client>,
}

impl Clients {
    pub(super) fn new(
        parts: ConfigParts,
        partitions: Partitions,
        observer: Observer,
        store_pace: &Arc<Pace>,
    ) -> Self {
        Self {
            parts,
            partitions,
            observer,
            store_pace: Arc::clone(store_pace),
            iam: OnceLock::new(),
            iam_once: OnceLock::new(),
            ssm: OnceLock::new(),
            kms: OnceLock::new(),
        }
    }

    pub(super) fn iam(&self) -> &aws_sdk_iam::Client {
        self.iam
            .get_or_init(|| aws_sdk_iam::Client::from_conf(self.iam_config().build()))
    }

    /// A client that sends every request once. It keeps to the pace of the adaptive mode: a throttled
    /// account slows it down too.
    pub(super) fn iam_once(&self) -> &aws_sdk_iam::Client {
        self.iam_once.get_or_init(|| {
            let once = RetryConfig::adaptive().with_max_attempts(1);
            aws_sdk_iam::Client::from_conf(self.iam_config().retry_config(once).build())
        })
    }

    fn iam_config(&self) -> aws_sdk_iam::config::Builder {
        let endpoint = self.parts.endpoints().iam.as_ref();
        let partition = self.partitions.iam.clone();
        self.parts.iam(endpoint, partition, self.observer.clone())
    }

    pub(super) fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.ssm.get_or_init(|| {
            let endpoint = self.parts.endpoints().ssm.as_ref();
            let partition = self.partitions.store.clone();
            let config = self.parts.ssm(endpoint, partition, self.observer.clone());
            let config = config
                .retry_config(self.parts.store_retries())
                .interceptor(Repeats(Arc::clone(&self.store_pace)));
            aws_sdk_ssm::Client::from_conf(config.build())
        })
    }

    pub(super) fn kms(&self) -> &aws_sdk_kms::Client {
        self.kms.get_or_init(|| {
            let endpoint = self.parts.endpoints().kms.as_ref();
            let partition = self.partitions.store.clone();
            let config = self.parts.kms(endpoint, partition, self.observer.clone());
            let config = config
                .retry_config(self.parts.store_retries())
                .interceptor(Repeats(Arc::clone(&self.store_pace)));
            aws_sdk_kms::Client::from_conf(config.build())
        })
    }
}
