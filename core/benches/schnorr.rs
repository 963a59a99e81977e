//! Checking signatures, against libsecp256k1's BIP 340 in the same run.
//!
//!     cargo bench -p ltms-core --bench schnorr [ROUNDS]
//!
//! Keys are parsed beforehand on both sides. The sides take turns, so that whatever else the
//! machine does hits them alike; each figure is the median over all rounds.

use std::hint::black_box;
use std::time::Instant;

use ltms_core::hash::sha256;
use ltms_core::schnorr::{Item, Scratch, SecretKey, VerifyingKey, verify_batch};
use secp256k1::{Keypair, XOnlyPublicKey, schnorr};

const BATCHES: [usize; 4] = [8, 16, 64, 256];
/// Signatures that each sample checks.
const SIGNATURES: usize = 256;
const ROUNDS: usize = 61;

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

/// Microseconds for one signature.
fn time(work: impl FnOnce() -> bool) -> f64 {
    let start = Instant::now();
    assert!(work());
    start.elapsed().as_secs_f64() * 1e6 / SIGNATURES as f64
}

fn batches(items: &[Item], size: usize, scratch: &mut [Scratch]) -> bool {
    let mut results = [false; SIGNATURES];
    verify_batch(items, &[7; 32], &mut scratch[..size], &mut results)
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    // `cargo bench` passes `--bench`.
    let rounds = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(ROUNDS);
    let (items, bip340) = signatures();
    let mut scratch = vec![Scratch::ZERO; SIGNATURES];
    println!("{} bytes of scratch for a batch of 64", 64 * size_of::<Scratch>());

    let names = ["libsecp256k1, BIP 340", "ltms, single"].map(str::to_owned);
    let names = names.into_iter().chain(BATCHES.map(|size| format!("ltms, batch of {size}")));
    let mut sides: Vec<(String, Vec<f64>)> = names.map(|name| (name, Vec::new())).collect();
    for _ in 0..rounds {
        for (side, (_, samples)) in sides.iter_mut().enumerate() {
            samples.push(match side {
                0 => time(|| {
                    bip340.iter().all(|(signature, hash, key)| {
                        schnorr::verify(black_box(signature), hash, key).is_ok()
                    })
                }),
                1 => time(|| {
                    items.iter().all(|item| item.key.verify(&item.hash, black_box(&item.signature)))
                }),
                _ => time(|| batches(black_box(&items), BATCHES[side - 2], &mut scratch)),
            });
        }
    }
    let base = median(&mut sides[0].1);
    println!("{:<24}{:>10}{:>10}{:>8}", "", "median µs", "least µs", "ratio");
    for (name, samples) in &mut sides {
        let median = median(samples);
        println!("{name:<24}{median:>10.2}{:>10.2}{:>8.2}", samples[0], median / base);
    }
}
