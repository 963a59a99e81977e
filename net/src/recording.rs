//! The recording of a node's Gate, in a file (`docs/recording.md`).

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ltms_core::record::Recorder;

/// A file that takes the records of one Gate, each as soon as it is whole, until it is full. One
/// that cannot be written any more ends the recording, never the node.
#[derive(Debug)]
pub struct Recording {
    /// `None` when the recording has ended.
    file: Option<File>,
    /// Bytes that the file may still take.
    left: u64,
    /// The record that is being written.
    record: Vec<u8>,
}

impl Recording {
    /// Makes the file, which only its owner may read, for at most so many bytes.
    ///
    /// # Errors
    /// Those of the file system. What exists is never overwritten.
    pub fn create(path: &Path, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file: Some(file), left: limit, record: Vec::new() })
    }

    fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        let Some(left) = self.left.checked_sub(self.record.len() as u64) else {
            tracing::warn!("the recording is full and ends here");
            self.file = None;
            return;
        };
        if let Err(error) = file.write_all(&self.record) {
            tracing::error!(%error, "the recording cannot be written and ends here");
            self.file = None;
        }
        self.left = left;
        self.record.clear();
    }
}

impl Recorder for Recording {
    fn write(&mut self, bytes: &[u8]) {
        self.record.extend_from_slice(bytes);
    }

    fn end(&mut self) {
        self.flush();
    }

    fn is_on(&self) -> bool {
        self.file.is_some()
    }
}

/// A call that panicked has no answer, and is what somebody wants to see.
impl Drop for Recording {
    fn drop(&mut self) {
        self.flush();
    }
}
