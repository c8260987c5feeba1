//! Something that is read, and its SHA-256 on the way.

use std::io::{self, Read};

use c2_shared::blob::BlobHasher;

pub(super) struct Summed<R> {
    pub(super) inner: R,
    pub(super) hasher: BlobHasher,
}

impl<R: Read> Summed<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: BlobHasher::default() }
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..len]);
        Ok(len)
    }
}
