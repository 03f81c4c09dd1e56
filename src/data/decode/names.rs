//! What the name of a file says: an image, or something that lies beside images.

use std::path::Path;

/// Extensions of image files in lower case. Used only when searching a folder; a format is recognised by content.
pub(crate) const EXTENSIONS: [&str; 13] =
    ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "pgm", "ppm", "pbm", "pnm", "pam", "gif", "webp"];

/// Extensions of files that are being written, or were kept by a program.
const TEMPORARY: [&str; 10] =
    ["tmp", "part", "partial", "filepart", "crdownload", "download", "bak", "swp", "lock", "old"];

/// Names of files and folders that systems leave beside images.
const SYSTEM: [&str; 8] = [
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "$recycle.bin",
    "system volume information",
];

/// Whether a file has the extension of an image, ignoring case.
pub(crate) fn is_named_like_an_image(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

/// Whether the entry of a folder is passed over without a word: hidden, left there by the system, or the lock or the
/// unfinished copy of another file.
pub(crate) fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let bytes = name.as_encoded_bytes();
    let is_lock = bytes.starts_with(b"~$") || bytes.starts_with(b"~lock") || bytes.ends_with(b"~");
    let is_temporary = path.extension().is_some_and(|e| TEMPORARY.iter().any(|known| e.eq_ignore_ascii_case(known)));
    bytes.starts_with(b".") || is_lock || is_temporary || SYSTEM.iter().any(|known| name.eq_ignore_ascii_case(known))
}
