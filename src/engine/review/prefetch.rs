//! The prefetch thread: reads the images of parts before they are shown, the most urgent first.

use std::{path::Path, sync::Arc};

use crossbeam_channel::Receiver;

use super::{eviction::evict, request::PrefetchRequest, state::PartImage};
use crate::{
    data::{
        DataError, FileHash,
        decode::{Header, decode_unless},
    },
    engine::EngineState,
    inspect::Planes,
    review::{PartId, Record, kept_picture},
    text::PrintablePath,
};

/// Most images in memory, and most bytes of them.
const LIMIT: (usize, usize) = (16, 512 << 20);

pub(super) struct PrefetchThread {
    state: Arc<EngineState>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl PrefetchThread {
    pub(super) fn new(state: Arc<EngineState>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { state, wake }
    }

    /// Reads the requested images after each wake-up, until the channel is closed.
    pub(super) fn run(self, wakes: &Receiver<()>) {
        for () in wakes {
            // Read again before each file, because the list may have changed.
            while let Some((requested, room)) = self.next() {
                let image = match load(&requested.path, requested.hash, room) {
                    None => break,
                    Some(PartImage::Unavailable(why)) => self.kept(requested.part, why),
                    Some(image) => image,
                };
                self.state.review.images.write().insert(requested.part, Arc::new(image));
                self.tidy();
                (self.wake)();
                if !self.state.review.images.read().contains_key(&requested.part) {
                    // The limit is reached.
                    break;
                }
            }
        }
    }

    /// The copy of an image in the record, if there is one.
    fn kept(&self, part: PartId, why: String) -> PartImage {
        let record = self.state.review.snapshot.read().path.clone().filter(|path| path.is_file());
        let copy = record.and_then(|path| Record::open_to_read(&path).ok()?.kept_picture(part).ok().flatten());
        match copy.as_deref().and_then(kept_picture::decode) {
            Some(picture) => {
                let planes = Planes::of(&picture, picture.channels(), 1.0);
                PartImage::Kept(Arc::new(planes), format!("{why} Shown is the copy kept in the record."))
            }
            None => PartImage::Unavailable(why),
        }
    }

    /// The most urgent part whose image is missing, and the bytes that are left for it; the first one may take any number.
    fn next(&self) -> Option<(PrefetchRequest, u64)> {
        let requested = Arc::clone(&self.state.review.requested.lock());
        let images = self.state.review.images.read();
        let mut bytes = 0;
        for (i, one) in requested.iter().enumerate() {
            match images.get(&one.part).map(|image| image.bytes()) {
                Some(own) => bytes += own,
                None if i == 0 => return Some((one.clone(), u64::MAX)),
                None => return Some((one.clone(), LIMIT.1.saturating_sub(bytes) as u64)),
            }
        }
        None
    }

    fn tidy(&self) {
        let requested: Vec<PartId> = self.state.review.requested.lock().iter().map(|one| one.part).collect();
        evict(&mut self.state.review.images.write(), &requested, LIMIT, |image| image.bytes());
    }
}

/// Reads an image, if the file is the one that was inspected; `None` where it takes more than `room` bytes.
fn load(path: &Path, hash: FileHash, room: u64) -> Option<PartImage> {
    let name = path.printable();
    if !path.exists() {
        return Some(PartImage::Unavailable(format!("The image {name} was moved or deleted.")));
    }
    let mut has_room = true;
    let admit = |header: &Header| {
        // The samples, and each of them as a number of four bytes.
        has_room = header.bytes.saturating_mul(5) <= room;
        Ok(has_room)
    };
    let mut is_same = true;
    let differs = |found: FileHash, _: &[u8]| {
        is_same = found == hash;
        !is_same
    };
    let image = match decode_unless(path, differs, admit) {
        Ok((_, Ok(Some(picture)))) => {
            let planes = Planes::of(&picture, picture.channels(), 1.0);
            PartImage::Loaded(Arc::new(picture), Arc::new(planes))
        }
        Ok((_, Ok(None))) if !has_room => return None,
        _ if !is_same => PartImage::Unavailable(format!("The image {name} has changed since it was inspected.")),
        Ok((_, Err(fault))) | Err(fault) => {
            let error = DataError::File { path: path.to_owned(), fault };
            PartImage::Unavailable(crate::format::sentence(&error.to_string()))
        }
        Ok((_, Ok(None))) => return None,
    };
    Some(image)
}
