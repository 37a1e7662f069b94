//! Hashes long streams on a thread of its own, so that readers and writers need not wait for the digest.

use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use sha2::Digest as _;

use super::Sha256;

/// Bytes that are handed over at once. What is shorter is hashed where it is: a thread would cost more.
const PIECE: usize = 64 << 10;

/// How many pieces may wait to be hashed before the writer blocks.
const WAITING: usize = 4;

/// Passes bytes on, and knows at the end the digest and the number of all that went through.
#[derive(Debug)]
pub struct ParallelWriter<W> {
    inner: W,
    piece: Vec<u8>,
    size: u64,
    worker: Option<Worker>,
    /// Whether the system had no thread to give.
    is_alone: bool,
    /// Hashes what no worker does.
    hasher: sha2::Sha256,
}

impl<W: Write> ParallelWriter<W> {
    /// Counts and hashes what is written to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, piece: Vec::new(), size: 0, worker: None, is_alone: false, hasher: sha2::Sha256::new() }
    }

    /// The writer below, the digest and the number of the bytes that it took.
    pub fn finish(mut self) -> (W, Sha256, u64) {
        let hasher = match self.worker.take() {
            Some(worker) => worker.finish(self.piece),
            None => {
                self.hasher.update(&self.piece);
                self.hasher
            }
        };
        (self.inner, Sha256(hasher.finalize().into()), self.size)
    }

    fn hash(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        if self.worker.is_none() && !self.is_alone {
            self.worker = Worker::start().ok();
            self.is_alone = self.worker.is_none();
        }
        match &self.worker {
            Some(worker) => self.piece = worker.take(std::mem::take(&mut self.piece)),
            None => {
                self.hasher.update(&self.piece);
                self.piece.clear();
            }
        }
    }
}

impl<W: Write> Write for ParallelWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.size += taken as u64;
        self.hash(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The thread that hashes.
#[derive(Debug)]
struct Worker {
    pieces: SyncSender<Vec<u8>>,
    /// Pieces that are hashed, to be filled again.
    spare: Receiver<Vec<u8>>,
    thread: JoinHandle<sha2::Sha256>,
}

impl Worker {
    fn start() -> io::Result<Self> {
        let (pieces, to_hash) = sync_channel(WAITING);
        let (hashed, spare) = channel();
        let work = move || hash_all(&to_hash, &hashed);
        let thread = thread::Builder::new().name("sha256".to_owned()).spawn(work)?;
        Ok(Self { pieces, spare, thread })
    }

    /// Takes a piece, and gives back an empty one.
    fn take(&self, piece: Vec<u8>) -> Vec<u8> {
        // It goes on until the sender is dropped.
        let _ = self.pieces.send(piece);
        self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE))
    }

    fn finish(self, last: Vec<u8>) -> sha2::Sha256 {
        let _ = self.pieces.send(last);
        drop(self.pieces);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn hash_all(pieces: &Receiver<Vec<u8>>, hashed: &Sender<Vec<u8>>) -> sha2::Sha256 {
    let mut hasher = sha2::Sha256::new();
    for mut piece in pieces {
        hasher.update(&piece);
        piece.clear();
        // Nobody may want it any more.
        let _ = hashed.send(piece);
    }
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_bytes_however_they_come() {
        let bytes: Vec<u8> = (0..5 * PIECE + 7).map(|number| number.to_le_bytes()[1]).collect();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, bytes.len()] {
            for step in [1000, PIECE - 1, PIECE, 3 * PIECE] {
                let mut writer = ParallelWriter::new(Vec::new());
                bytes[..length].chunks(step).for_each(|chunk| writer.write_all(chunk).unwrap());
                let (written, digest, size) = writer.finish();
                assert!(written == bytes[..length], "{length} in {step}");
                assert_eq!(
                    (digest, size),
                    (Sha256::of(&bytes[..length]), length as u64),
                    "{length} in {step}"
                );
            }
        }
    }

    #[test]
    fn a_writer_that_is_dropped_ends_its_thread() {
        let mut writer = ParallelWriter::new(io::sink());
        writer.write_all(&vec![1; 3 * PIECE]).unwrap();
        let worker = writer.worker.take().unwrap();
        drop((worker.pieces, worker.spare));
        assert!(worker.thread.join().is_ok());
    }
}
