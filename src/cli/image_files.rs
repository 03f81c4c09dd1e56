//! Image files named on the command line.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::output::note;
use crate::{
    data::{
        BitDepth, DataError, FileFault,
        decode::{Header, decode_checked},
        image_files::FolderImages,
    },
    format::counted,
    text::PrintablePath,
};

/// Most images that are read to decide the bits of 16-bit samples.
const SAMPLED: usize = 16;

/// Returns every named file, and the images of every named folder. Says how many other files and sub-folders were left
/// out.
pub(super) fn image_files(paths: &[PathBuf], is_recursive: bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = FolderImages::list(path, is_recursive)?;
        let name = path.printable();
        if found.folders > 0 {
            let folders = counted(found.folders, "sub-folder");
            note!("{name}: not searched: {folders}; --recursive includes sub-folders");
        }
        if found.files.is_empty() {
            match (found.others, found.folders) {
                (0, 0) => bail!(DataError::Empty(path.clone())),
                (0, _) => bail!("there is no image directly in {name}; add --recursive to search its sub-folders"),
                (others, _) => bail!("there is no image in {name}, only {}", counted(others, "other file")),
            }
        }
        if found.others > 0 {
            note!("{name}: {} beside the images passed over", counted(found.others, "other file"));
        }
        files.extend(found.files);
    }
    Ok(files)
}

/// Decides the bits that 16-bit samples use over some of the files, and says so if they are fewer than 16.
pub(super) fn bit_depth_of(files: &[PathBuf]) -> BitDepth {
    // Only samples of two bytes are looked at.
    let check = |header: &Header| match header.bytes / header.pixels().max(1) {
        2 | 4 | 6 | 8 => Ok(()),
        _ => Err(FileFault::NotInspected(String::new())),
    };
    let spaced = (0..files.len().min(SAMPLED)).filter_map(|i| files.get(i * files.len() / SAMPLED.min(files.len())));
    let peaks: Vec<u16> =
        spaced.filter_map(|file| decode_checked(file, check).ok()).filter_map(|(picture, _)| picture.peak()).collect();
    let Some(&peak) = peaks.iter().max() else { return BitDepth::Auto };
    let depth = BitDepth::holding(peak);
    if let Some(white) = depth.white().filter(|white| *white < u16::MAX) {
        let images = counted(peaks.len(), "image");
        note!(
            "16-bit samples are read as {depth} bits (0 to {white}), because the largest in {images} is {peak}; \
             --bit-depth sets it"
        );
    }
    depth
}
