//! What a remote has sent on a connection's streams and nobody has read: its hold on our memory.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

/// Streams that are counted: more than the muxer permits.
const MOST: usize = 2 * super::MAX_STREAMS;
/// A Yamux frame: version, type, flags (2), stream (4) and length (4), big-endian.
const HEADER: usize = 12;
/// Type of a frame with a payload.
const DATA: u8 = 0;
/// Type of a frame that only gives credit.
const WINDOW: u8 = 1;
/// The flag that opens a stream.
const SYN: u16 = 1;

/// Unread bytes by stream.
#[derive(Debug, Default)]
pub(super) struct Unread(Mutex<HashMap<u32, usize>>);

impl Unread {
    pub(super) fn total(&self) -> usize {
        self.lock().values().sum()
    }

    /// Counts this stream from now on.
    pub(super) fn open(&self, stream: u32) {
        let mut streams = self.lock();
        if streams.len() < MOST {
            streams.entry(stream).or_default();
        }
    }

    pub(super) fn close(&self, stream: u32) {
        self.lock().remove(&stream);
    }

    pub(super) fn took(&self, stream: u32, bytes: usize) {
        if let Some(unread) = self.lock().get_mut(&stream) {
            *unread = unread.saturating_sub(bytes);
        }
    }

    /// What comes for a stream that is not open is thrown away.
    fn came(&self, stream: u32, bytes: usize) {
        if let Some(unread) = self.lock().get_mut(&stream) {
            *unread = unread.saturating_add(bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the payload of Yamux frames as they arrive, and changes nothing.
pub(super) struct Metered<C> {
    inner: C,
    unread: Arc<Unread>,
    frames: Frames,
}

impl<C> Metered<C> {
    pub(super) fn new(inner: C, unread: Arc<Unread>) -> Self {
        Self { inner, unread, frames: Frames::default() }
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Metered<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if let Poll::Ready(Ok(count)) = read {
            this.frames.see(&buffer[..count], &this.unread);
        }
        read
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Metered<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// Where in the sequence of frames the bytes are.
#[derive(Default)]
struct Frames {
    header: [u8; HEADER],
    /// Bytes of the header that are there.
    filled: usize,
    /// The stream and what is to come of its payload.
    payload: (u32, usize),
}

impl Frames {
    fn see(&mut self, mut bytes: &[u8], unread: &Unread) {
        while !bytes.is_empty() {
            let (stream, left) = self.payload;
            if left > 0 {
                let count = left.min(bytes.len());
                unread.came(stream, count);
                self.payload.1 -= count;
                bytes = &bytes[count..];
                continue;
            }
            let count = (HEADER - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
            self.filled += count;
            bytes = &bytes[count..];
            if self.filled == HEADER {
                self.filled = 0;
                self.begin(unread);
            }
        }
    }

    fn begin(&mut self, unread: &Unread) {
        let [_, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = self.header;
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        let opens = u16::from_be_bytes([f0, f1]) & SYN != 0;
        if opens && (kind == DATA || kind == WINDOW) {
            unread.open(stream);
        }
        if kind == DATA {
            let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3]));
            self.payload = (stream, len.unwrap_or(usize::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, len: u8) -> Vec<u8> {
        let mut bytes = vec![0, kind, 0, flags, 0, 0, 0, stream, 0, 0, 0, len];
        if kind == DATA {
            bytes.extend(vec![7; len.into()]);
        }
        bytes
    }

    #[test]
    fn payloads_count_until_they_are_read_however_the_bytes_are_cut() {
        let bytes = [
            frame(DATA, 1, 1, 200),
            frame(WINDOW, 1, 3, 255),
            frame(2, 1, 0, 9),
            frame(DATA, 0, 3, 50),
            frame(DATA, 0, 5, 99),
            frame(DATA, 0, 1, 30),
        ];
        for size in [1, 2, 11, 12, 13, 100, 1000] {
            let (unread, mut frames) = (Unread::default(), Frames::default());
            bytes.concat().chunks(size).for_each(|chunk| frames.see(chunk, &unread));
            assert_eq!(unread.total(), 280, "nothing for stream 5, which nobody opened");
            unread.took(1, 100);
            assert_eq!(unread.total(), 180);
            unread.close(1);
            assert_eq!(unread.total(), 50);
            frames.see(&frame(DATA, 0, 1, 30), &unread);
            assert_eq!(unread.total(), 50, "thrown away");
        }
    }

    #[test]
    fn no_more_streams_are_counted_than_there_can_be() {
        let (unread, mut frames) = (Unread::default(), Frames::default());
        for stream in 0..=u16::MAX {
            let [high, low] = stream.to_be_bytes();
            frames.see(&[0, WINDOW, 0, 1, 0, 0, high, low, 0, 0, 0, 0], &unread);
        }
        assert_eq!(unread.lock().len(), MOST);
    }
}
