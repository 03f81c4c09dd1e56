//! Recognises what a file is by its first bytes, whatever its name.

use image::ImageFormat;

use super::tiff::is_tiff;
use crate::data::FileFault;

/// Formats of images that are not decoded, by the bytes at a position.
const IMAGES: [(usize, &[u8], &str); 27] = [
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftypavis", "an AVIF image"),
    (4, b"ftyphei", "a HEIC image"),
    (4, b"ftyphev", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
    (4, b"ftypmsf1", "a HEIF image"),
    (4, b"ftypcrx", "a camera's raw file"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (0, b"IIRO", "a camera's raw file"),
    (0, b"IIRS", "a camera's raw file"),
    (0, b"MMOR", "a camera's raw file"),
    (0, b"IIU\0", "a camera's raw file"),
    (0, b"FOVb", "a camera's raw file"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"#?RADIANCE", "a Radiance HDR image"),
    (0, b"#?RGBE", "a Radiance HDR image"),
    (0, b"DDS ", "a DDS image"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"gimp xcf", "a GIMP file"),
    (0, b"qoif", "a QOI image"),
    (0, b"II\xbc", "a JPEG XR image"),
    (0, b"SIMPLE  =", "a FITS image"),
    (128, b"DICM", "a DICOM file"),
];

/// Files that are no images.
const OTHERS: [(usize, &[u8], &str); 21] = [
    (0, b"%PDF", "it is a PDF document"),
    (0, b"PK\x03\x04", "it is a ZIP archive or an office document"),
    (0, b"\xd0\xcf\x11\xe0", "it is an office document or a database of thumbnails"),
    (0, b"\x1f\x8b", "it is a gzip archive"),
    (0, b"7z\xbc\xaf", "it is a 7-Zip archive"),
    (0, b"Rar!", "it is a RAR archive"),
    (0, b"\xfd7zXZ", "it is an xz archive"),
    (257, b"ustar", "it is a tar archive"),
    (0, b"\x93NUMPY", "it is a NumPy array"),
    (0, b"\x89HDF", "it is an HDF5 file"),
    (0, b"MATLAB 5", "it is a MATLAB file"),
    (0, b"SQLite format 3", "it is an SQLite database"),
    (0, b"version https://git-lfs", "it is a pointer to a file in Git LFS; fetch that file"),
    (0, b"\x1a\x45\xdf\xa3", "it is a video"),
    (4, b"ftyp", "it is a video"),
    (8, b"AVI ", "it is a video"),
    (0, b"OggS", "it is a sound or a video"),
    (0, b"\x7fELF", "it is a program"),
    (0, b"MZ\x90\0", "it is a program"),
    (0, b"<?xml", "it is an XML document"),
    (0, b"<svg", "it is a drawing (SVG)"),
];

/// Recognises the format by the first bytes.
pub(super) fn format_of(bytes: &[u8]) -> Result<ImageFormat, FileFault> {
    let text = looks_like_text(bytes);
    let matching =
        |&&(at, magic, _): &&(usize, &[u8], &str)| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    if is_tiff(bytes) {
        return match bytes.get(8..10) {
            Some(b"CR") => Err(FileFault::Format("a camera's raw file")),
            _ => Ok(ImageFormat::Tiff),
        };
    }
    let guessed = image::guess_format(bytes);
    match guessed {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP)) => {
            return Ok(format);
        }
        // A signature of two letters may also begin a text file.
        Ok(ImageFormat::Bmp) if !text => return Ok(ImageFormat::Bmp),
        Ok(ImageFormat::Pnm) if bytes.get(2).is_some_and(u8::is_ascii_whitespace) => return Ok(ImageFormat::Pnm),
        _ => {}
    }
    if let Some((_, _, what)) = IMAGES.iter().find(matching) {
        return Err(FileFault::Format(what));
    }
    if let Some((_, _, what)) = OTHERS.iter().find(matching) {
        return Err(FileFault::NotAnImage(what));
    }
    Err(match guessed {
        Ok(ImageFormat::Ico) => FileFault::Format("an icon"),
        _ if bytes.is_empty() => FileFault::NotAnImage("the file is empty"),
        _ if bytes.iter().all(|&b| b == 0) => FileFault::NotAnImage("it holds nothing but zero bytes"),
        _ if text => FileFault::NotAnImage("it looks like text"),
        _ => FileFault::NotAnImage("its first bytes match no known image format"),
    })
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(256)];
    let printable = |&b: &u8| b >= 0x80 || b.is_ascii_graphic() || b.is_ascii_whitespace();
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character cut in half at the end of `head`.
        Err(e) => e.error_len().is_none(),
    };
    !head.is_empty() && valid && head.iter().all(printable)
}
