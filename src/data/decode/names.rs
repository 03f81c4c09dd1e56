//! What the name of a file says: an image, or something that lies beside images.

use std::path::Path;

/// The formats that are decoded, each with the extensions of its files in lower case. These are used only when searching
/// a folder; a format is recognised by content.
const FORMATS: [(&str, &[&str]); 7] = [
    ("PNG", &["png"]),
    ("JPEG", &["jpg", "jpeg"]),
    ("TIFF", &["tif", "tiff"]),
    ("BMP", &["bmp"]),
    ("PNM", &["pgm", "ppm", "pbm", "pnm", "pam"]),
    ("GIF", &["gif"]),
    ("WebP", &["webp"]),
];

/// Lists the formats that are decoded, with this word before the last: "PNG, JPEG and TIFF".
pub(crate) fn formats(word: &str) -> String {
    let [first @ .., last] = FORMATS.map(|(name, _)| name);
    format!("{} {word} {last}", first.join(", "))
}

/// Extensions of image files in lower case.
pub(crate) fn extensions() -> impl Iterator<Item = &'static str> {
    FORMATS.into_iter().flat_map(|(_, extensions)| extensions.iter().copied())
}

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
    path.extension().is_some_and(|e| extensions().any(|known| e.eq_ignore_ascii_case(known)))
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

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;
    use crate::data::decode::format::format_of;

    #[test]
    fn the_listed_formats_are_those_that_are_decoded() {
        let begins: [(&str, &[u8]); 7] = [
            ("PNG", b"\x89PNG\r\n\x1a\n"),
            ("JPEG", b"\xff\xd8\xff\xe0"),
            ("TIFF", b"II*\0\x08\0\0\0\0\0"),
            ("BMP", b"BM\x36\0\0\0\0\0"),
            ("PNM", b"P5 1 1 255 \0"),
            ("GIF", b"GIF89a"),
            ("WebP", b"RIFF\0\0\0\0WEBP"),
        ];
        assert_eq!(FORMATS.map(|(name, _)| name), begins.map(|(name, _)| name));
        for ((name, extensions), (_, bytes)) in FORMATS.into_iter().zip(begins) {
            let format = format_of(bytes).unwrap();
            for extension in extensions {
                assert_eq!(ImageFormat::from_extension(extension), Some(format), "{name}");
            }
        }
        assert_eq!(formats("and"), "PNG, JPEG, TIFF, BMP, PNM, GIF and WebP");
    }
}
