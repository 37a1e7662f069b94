//! Compresses on several threads into bytes that depend on nothing but the input.
//!
//! The stream is cut into blocks of one size, and each becomes a gzip member of its own, which no other block can touch.

use std::io::{self, Write};
use std::num::NonZero;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use libdeflater::{CompressionLvl, Compressor};

/// How much of the stream one member holds.
const BLOCK: usize = 1 << 20;

/// How hard to compress.
const LEVEL: i32 = 6;

/// How many blocks a thread may have before it, so that it never waits for the next.
const BLOCKS_PER_THREAD: usize = 2;

/// Compresses what is written to it into gzip members of 1 MiB of input each. The bytes are the same for any
/// number of threads and any sizes of writes; nothing written gives no bytes at all. At most four blocks a thread
/// are in memory.
#[derive(Debug)]
pub struct MembersWriter<W> {
    out: W,
    block: Vec<u8>,
    threads: usize,
    /// Block number `n` is compressed by worker `n % threads`; a worker starts with its first block.
    workers: Vec<Worker>,
    /// Jobs that are done, whose memory the next ones take.
    spare: Vec<Job>,
    sent: usize,
    received: usize,
    /// Whether a write failed, after which what was written must never pass for whole.
    is_broken: bool,
}

impl<W: Write> MembersWriter<W> {
    /// Compresses to `out`, on `threads` threads of its own. They end with the writer, finished or not.
    pub fn new(out: W, threads: NonZero<usize>) -> Self {
        Self {
            out,
            block: Vec::new(),
            threads: threads.get(),
            workers: Vec::new(),
            spare: Vec::new(),
            sent: 0,
            received: 0,
            is_broken: false,
        }
    }

    /// Compresses and writes what is left, and gives back the writer below.
    pub fn finish(mut self) -> io::Result<W> {
        self.check()?;
        if self.workers.is_empty() && !self.block.is_empty() {
            // Of little, a thread costs more than its help is worth.
            self.out.write_all(&member(&self.block)?)?;
        } else if !self.block.is_empty() {
            self.send()?;
        }
        while self.received < self.sent {
            self.receive()?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn send(&mut self) -> io::Result<()> {
        if self.sent - self.received == self.threads * BLOCKS_PER_THREAD {
            self.receive()?;
        }
        let at = self.sent % self.threads;
        if at == self.workers.len() && !self.start() {
            self.out.write_all(&member(&self.block)?)?;
            self.block.clear();
            return Ok(());
        }
        let at = self.sent % self.threads;
        let mut job = self.spare.pop().unwrap_or_default();
        std::mem::swap(&mut self.block, &mut job.block);
        self.workers[at].send(job)?;
        self.sent += 1;
        Ok(())
    }

    /// Starts a worker. Where the system has no thread to give, those that there are do all from now on; `false` if there are
    /// none.
    fn start(&mut self) -> bool {
        match Worker::start() {
            Ok(worker) => self.workers.push(worker),
            Err(_) => self.threads = self.workers.len().max(1),
        }
        !self.workers.is_empty()
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut job = self.workers[self.received % self.threads].receive()?;
        self.out.write_all(&job.member)?;
        job.block.clear();
        self.spare.push(job);
        self.received += 1;
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        if self.is_broken { Err(io::Error::other("an earlier write failed")) } else { Ok(()) }
    }
}

impl<W: Write> Write for MembersWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        let count = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == BLOCK {
            let sent = self.send();
            self.is_broken = sent.is_err();
            sent?;
        }
        Ok(count)
    }

    /// Flushes what is below. The block that is not full yet stays: to cut it would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A block, and what becomes of it.
#[derive(Debug, Default)]
struct Job {
    block: Vec<u8>,
    member: Vec<u8>,
}

/// One thread: blocks go in, members come out in the same order.
#[derive(Debug)]
struct Worker {
    /// `None` only while it is dropped: without a sender the thread ends.
    blocks: Option<Sender<Job>>,
    members: Receiver<io::Result<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start() -> io::Result<Self> {
        let (blocks, to_compress) = mpsc::channel::<Job>();
        let (compressed, members) = mpsc::channel();
        let work = move || {
            let mut compressor = compressor();
            for mut job in to_compress {
                let done = compress(&mut compressor, &job.block, &mut job.member);
                if compressed.send(done.map(|()| job)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("gzip".to_owned()).spawn(work)?;
        Ok(Self { blocks: Some(blocks), members, thread: Some(thread) })
    }

    fn send(&self, job: Job) -> io::Result<()> {
        self.blocks.as_ref().and_then(|blocks| blocks.send(job).ok()).ok_or_else(ended)
    }

    fn receive(&self) -> io::Result<Job> {
        self.members.recv().map_err(|_| ended())?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // A panic was reported by the hook, and the missing member as an error.
            let _ = thread.join();
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("a compressing thread ended early")
}

/// A whole gzip member (RFC 1952) of this content.
pub(super) fn member(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut member = Vec::new();
    compress(&mut compressor(), content, &mut member)?;
    Ok(member)
}

fn compressor() -> Compressor {
    Compressor::new(CompressionLvl::new(LEVEL).expect("a level that libdeflate has"))
}

fn compress(compressor: &mut Compressor, content: &[u8], member: &mut Vec<u8>) -> io::Result<()> {
    member.resize(compressor.gzip_compress_bound(content.len()), 0);
    let size = compressor.gzip_compress(content, member).map_err(io::Error::other)?;
    member.truncate(size);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Sha256;
    use crate::layer::fixture::plain;

    /// Bytes that compress about as programs do, the same for a seed.
    fn bytes(seed: u64, length: usize) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33).to_le_bytes()
        };
        let mut bytes = Vec::with_capacity(length + 16);
        while bytes.len() < length {
            let word = next();
            bytes.extend_from_slice(&word[..2]);
            bytes.extend_from_slice(b"mov rax, ");
        }
        bytes.truncate(length);
        bytes
    }

    fn compress(pieces: &[&[u8]], threads: usize) -> Vec<u8> {
        let mut writer = MembersWriter::new(Vec::new(), NonZero::new(threads).unwrap());
        for piece in pieces {
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_bytes_depend_on_the_input_alone(
            seed: u64,
            length in prop_oneof![0..5 * BLOCK, Just(BLOCK), Just(2 * BLOCK)],
            cuts in prop::collection::vec(0..5 * BLOCK, 0..40),
            threads in 1_usize..6,
        ) {
            let input = bytes(seed, length);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(length)).chain([0, length]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
            let whole = compress(&[&input], 1);
            prop_assert!(compress(&pieces, threads) == whole);
            prop_assert!(plain(&[&whole[..], &end()].concat()) == [&input[..], b"end"].concat());
        }
    }

    /// A last member, so that the decoder has something to read when there was no input.
    fn end() -> Vec<u8> {
        member(b"end").unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_earlier_builds() {
        // They may change with libdeflate. Then raise the format in the key under which finished layers are kept.
        let golden = Sha256::of(compress(&[&bytes(1, 2 * BLOCK + 5)], 2)).to_string();
        assert_eq!(golden, "3cada0ebf3eeb11ec7287c9b371696feb5cb22d94aa526c5bf1a94587b80b953");
    }

    #[test]
    fn headers_say_nothing_of_time_and_system() {
        // RFC 1952 section 2.3: magic, deflate, no flags, no time, no extra flags, unknown system.
        assert_eq!(member(b"").unwrap()[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }

    #[test]
    fn nothing_written_gives_nothing() {
        assert!(compress(&[], 3).is_empty());
        assert!(compress(&[b""], 3).is_empty());
    }

    /// Takes so many bytes, then fails.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("full"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failure_below_comes_up_and_stays() {
        let input = bytes(2, BLOCK);
        let mut writer = MembersWriter::new(Full(1), NonZero::<usize>::MIN);
        let error = (0..8).find_map(|_| writer.write_all(&input).err());
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some("full"));
        assert!(writer.write_all(b"more").is_err(), "a later write must not hide it");
        assert!(writer.finish().is_err(), "nor may the end");

        let mut writer = MembersWriter::new(Full(1), NonZero::<usize>::MIN);
        writer.write_all(b"little").unwrap();
        assert!(writer.finish().is_err(), "the end writes what is left");
    }

    #[test]
    fn a_writer_dropped_midway_ends_its_threads() {
        let mut writer = MembersWriter::new(io::sink(), NonZero::new(4).unwrap());
        writer.write_all(&bytes(3, 6 * BLOCK)).unwrap();
        // Each worker joins its thread when it is dropped, so to come back is the proof.
        drop(writer);
    }
}
