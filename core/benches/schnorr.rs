//! Checking signatures, against libsecp256k1's BIP 340 in the same run.
//!
//!     cargo bench -p ltms-core --bench schnorr [ROUNDS]
//!
//! Keys are parsed beforehand on both sides. The sides take turns with short samples, so that
//! whatever else the machine does hits them alike; each figure is the median over all rounds.

use std::hint::black_box;
use std::time::Instant;

use ltms_core::hash::sha256;
use ltms_core::schnorr::{Item, Scratch, SecretKey, VerifyingKey, verify_batch};
use secp256k1::{Keypair, XOnlyPublicKey, schnorr};

const BATCHES: [usize; 5] = [5, 8, 16, 64, 256];
/// Signatures that there are, and how many a sample of single checks takes.
const SIGNATURES: usize = 256;
const SAMPLE: usize = 32;
const ROUNDS: usize = 401;

type Bip340 = (schnorr::Signature, [u8; 32], XOnlyPublicKey);

fn signatures() -> (Vec<Item>, Vec<Bip340>) {
    (0..SIGNATURES as u64)
        .map(|index| {
            let secret = sha256(&[b"ltms benchmark", &index.to_le_bytes()]);
            let hash = sha256(&[&secret]);
            let key = SecretKey::from_bytes(&secret).unwrap();
            let item = Item {
                key: VerifyingKey::parse(&key.public_key()).unwrap(),
                hash,
                signature: key.sign(&hash),
            };
            let pair = Keypair::from_secret_bytes(secret).unwrap();
            let bip340 = schnorr::sign_no_aux_rand(&hash, &pair);
            (item, (bip340, hash, pair.x_only_public_key().0))
        })
        .unzip()
}

/// Microseconds for each of `count` signatures.
fn time(count: usize, work: impl FnOnce() -> bool) -> f64 {
    let start = Instant::now();
    assert!(work());
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    // `cargo bench` passes `--bench`.
    let rounds: usize = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(ROUNDS);
    let (items, bip340) = signatures();
    let mut scratch = vec![Scratch::ZERO; SIGNATURES];
    let mut results = [false; SIGNATURES];
    println!("{} bytes of scratch for batches of up to 64", 64 * size_of::<Scratch>());

    let names = ["libsecp256k1, BIP 340", "ltms, single"].map(str::to_owned);
    let names = names.into_iter().chain(BATCHES.map(|size| format!("ltms, batch of {size}")));
    let mut sides: Vec<(String, Vec<f64>)> = names.map(|name| (name, Vec::new())).collect();
    for round in 0..rounds {
        let start = SAMPLE * round % SIGNATURES;
        let (ours, theirs) = (&items[start..start + SAMPLE], &bip340[start..start + SAMPLE]);
        for (side, (_, samples)) in sides.iter_mut().enumerate() {
            samples.push(match side {
                0 => time(SAMPLE, || {
                    theirs.iter().all(|(signature, hash, key)| {
                        schnorr::verify(black_box(signature), hash, key).is_ok()
                    })
                }),
                1 => time(SAMPLE, || {
                    ours.iter().all(|item| item.key.verify(&item.hash, black_box(&item.signature)))
                }),
                _ => {
                    let size = BATCHES[side - 2];
                    let (items, results) = (&items[..size], &mut results[..size]);
                    time(size, || {
                        verify_batch(
                            black_box(items),
                            &[7; 32],
                            &mut scratch[..size.max(64)],
                            results,
                        )
                    })
                }
            });
        }
    }
    let base = (median(&mut sides[0].1), sides[0].1[0]);
    println!("{:<24}{:>10}{:>8}{:>10}{:>8}", "µs for each", "median", "ratio", "least", "ratio");
    for (name, samples) in &mut sides {
        let (median, least) = (median(samples), samples[0]);
        let ratios = (median / base.0, least / base.1);
        println!("{name:<24}{median:>10.2}{:>8.2}{least:>10.2}{:>8.2}", ratios.0, ratios.1);
    }
}
