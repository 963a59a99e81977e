//! Random changes of inputs, the same for the same seed, for machines without libFuzzer.

/// SplitMix64: a few lines, and every seed is a good one.
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// As many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.number() as u8).collect()
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }
}

/// Bytes at which decoders turn: ends of ranges, first bytes of CBOR items and of pushes.
const TURNS: &[u8] = &[0, 1, 2, 0x17, 0x18, 0x4C, 0x58, 0x7F, 0x80, 0xA0, 0xFC, 0xFD, 0xFE, 0xFF];

/// The longest input that is made: beyond the protocol's largest message.
const LONGEST: usize = 12_000;

/// One of `seeds`, changed a few times, now and then with a part of another.
#[must_use]
pub fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let pick = random.below(seeds.len());
    let mut bytes = seeds.get(pick).cloned().unwrap_or_default();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        let len = random.below(bytes.len().min(at + 40) - at) + 1;
        match random.below(8) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            2 if !bytes.is_empty() => bytes[at] = TURNS[random.below(TURNS.len())],
            3 if !bytes.is_empty() => bytes[at] = random.number() as u8,
            4 if !bytes.is_empty() => drop(bytes.drain(at..at + len)),
            5 if !bytes.is_empty() => {
                let part = bytes[at..at + len].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            6 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let part = other[from..other.len().min(from + 64)].to_vec();
                let end = bytes.len().min(at + part.len());
                bytes.splice(at..end, part);
            }
            _ => bytes.insert(at, random.number() as u8),
        }
        bytes.truncate(LONGEST);
    }
    bytes
}
