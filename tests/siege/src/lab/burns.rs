//! Burns as they stand in the chain, at any height and for any purpose.

use ltms_core::burn::BurnScript;
use ltms_core::chain::{Header, Transaction, merkle};
use ltms_core::wire::IncludedBurn;
use ltms_core::{Amount, IdentityId, OutPoint, PublicKey};

/// A transaction with one burn, alone with the coinbase in its block.
#[derive(Clone)]
pub(crate) struct Burn {
    transaction: Vec<u8>,
    branch: [[u8; 32]; 1],
    pub(crate) header: Header,
    pub(crate) outpoint: OutPoint,
    pub(crate) script: BurnScript,
    pub(crate) xpi: u64,
}

impl Burn {
    /// `number` makes two burns of the same script different.
    pub(crate) fn new(script: BurnScript, xpi: u64, number: u64, height: u32) -> Self {
        let bytes = script.build();
        let mut transaction = vec![2, 0, 0, 0, 1];
        transaction.extend(number.to_be_bytes());
        transaction.extend([7; 24]);
        transaction.extend([0; 4]);
        transaction.push(60);
        transaction.extend([7; 60]);
        transaction.extend([0xff; 4]);
        transaction.push(1);
        transaction.extend(Amount::from_xpi(xpi).sats().to_le_bytes());
        transaction.push(u8::try_from(bytes.len()).expect("a script is short"));
        transaction.extend(&bytes);
        transaction.extend([0; 4]);
        let parsed = Transaction::parse(&transaction).expect("it was made here");
        let outpoint = OutPoint { txid: parsed.txid(), vout: 0 };
        let leaf = merkle::leaf(&parsed.txhash(), &parsed.txid());
        let branch = [[9; 32]];
        let root = merkle::root_from_branch(&leaf, 1, &branch).expect("it is short");
        Self { transaction, branch, header: header(root, height), outpoint, script, xpi }
    }

    /// A registration by this key.
    pub(crate) fn registration(key: PublicKey, xpi: u64, number: u64, height: u32) -> Self {
        let script = BurnScript { public_key: key, timestamp_ms: None, purpose: None };
        Self::new(script, xpi, number, height)
    }

    /// The same transaction in another block.
    pub(crate) fn mined_at(&self, height: u32) -> Self {
        Self { header: header(self.header.merkle_root(), height), ..self.clone() }
    }

    pub(crate) fn id(&self) -> IdentityId {
        self.outpoint.identity_id().expect("its index is 0")
    }

    pub(crate) fn included(&self) -> IncludedBurn<'_> {
        IncludedBurn {
            transaction: &self.transaction,
            vout: 0,
            block: self.header.hash(),
            position: 1,
            branch: &self.branch,
        }
    }
}

fn header(root: [u8; 32], height: u32) -> Header {
    let mut bytes = [0; Header::LEN];
    bytes[52] = 1;
    bytes[60..64].copy_from_slice(&height.to_le_bytes());
    bytes[96..128].copy_from_slice(&root);
    Header::parse(&bytes).expect("it was made here")
}
