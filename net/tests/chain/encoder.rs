//! Chronik's messages, written field by field.

use ltms_core::chain::{Header, Transaction};
use ltms_net::chain::Block;

/// A message under construction.
#[derive(Clone, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(crate) fn number(mut self, field: u64, value: u64) -> Self {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
        self
    }

    pub(crate) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }
}

/// A transaction as the NNG Chronik has it, with fields that only one generation has.
pub(crate) fn tx(raw: &[u8], block: Option<&Header>) -> Vec<u8> {
    let transaction = Transaction::parse(raw).unwrap();
    let mut message = Message::default()
        .bytes(1, transaction.txid().as_bytes())
        .number(2, transaction.version() as u64);
    for input in transaction.inputs() {
        let spent = Message::default()
            .bytes(1, input.previous.txid.as_bytes())
            .number(2, input.previous.vout.into());
        let input = Message::default()
            .bytes(1, &spent.0)
            .bytes(2, input.script)
            .bytes(3, b"the spent script")
            .number(4, 1)
            .number(5, input.sequence.into());
        message = message.bytes(3, &input.0);
    }
    for output in transaction.outputs() {
        let output = Message::default().number(1, output.value.sats()).bytes(2, output.script);
        message = message.bytes(4, &output.0);
    }
    message = message.number(5, transaction.lock_time().into());
    if let Some(header) = block {
        let block = Message::default()
            .number(1, header.height().get().into())
            .bytes(2, header.hash().as_bytes())
            .number(3, header.time().as_millis() / 1000)
            .number(4, 1);
        message = message.bytes(8, &block.0);
    }
    // 10 is the network in one generation, 13 a list of tokens in the other.
    message.number(10, 2).number(11, raw.len() as u64).bytes(13, b"").0
}

/// The answer to `/block`.
pub(crate) fn block(raw: &[u8]) -> Vec<u8> {
    let block = Block::parse(raw).unwrap();
    let info = Message::default()
        .bytes(1, block.header().hash().as_bytes())
        .number(3, block.header().height().get().into());
    let mut message = Message::default().bytes(1, &info.0);
    for (_, raw) in block.transactions() {
        message = message.bytes(2, &tx(raw, Some(block.header())));
    }
    message.bytes(3, b"").bytes(4, &raw[..Header::LEN]).0
}
