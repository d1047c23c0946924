//! What a token costs: the first time, when its signature is verified, and again, when it is cached.
//!
//! `cargo bench --bench tokens --no-default-features`
#![allow(clippy::allow_attributes, reason = "bench code is not held to the lints of the library")]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

#[path = "../tests/it/support/issuer.rs"]
mod issuer;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use issuer::{Issuer, SigningKey, claims_of, eager};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tandem::auth::{ClaimRules, KeySource, Verifier};
use tokio::runtime::Runtime;

const SECRET: &str = "a secret that only this bench knows";

fn tokens(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let algorithms = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256];
    let keys = algorithms.map(|algorithm| SigningKey::new(algorithm, &format!("{algorithm:?}")));
    let sources = runtime.block_on(async {
        let issuer = Issuer::start(&keys.each_ref()).await;
        vec![KeySource::hs256(&[SECRET.into()]), issuer.source(eager())]
    });
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let shared = jsonwebtoken::encode(&Header::default(), &claims_of("ann"), &secret).unwrap();
    let mut cases = vec![(Algorithm::HS256, shared)];
    cases.extend(keys.iter().map(|key| (key.algorithm, key.sign(&claims_of("ann")))));

    for (algorithm, token) in &cases {
        // Verifiers share the sources' keys, so that only the token is new to them.
        let verifier = || Verifier::new(sources.clone(), ClaimRules::default());
        runtime.block_on(verifier().verify(token)).map_err(|error| error.report()).unwrap();
        criterion.bench_function(&format!("{algorithm:?}/first"), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                verifier,
                |verifier| async move {
                    assert!(verifier.verify(token).await.is_ok());
                    verifier
                },
                BatchSize::SmallInput,
            );
        });
        let warm = verifier();
        runtime.block_on(warm.verify(token)).map_err(|error| error.report()).unwrap();
        criterion.bench_function(&format!("{algorithm:?}/again"), |bencher| {
            bencher.to_async(&runtime).iter(|| warm.verify(token));
        });
    }
}

criterion_group!(benches, tokens);
criterion_main!(benches);
