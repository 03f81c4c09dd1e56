//! Paths as text from which every path comes back, also one that is not Unicode. Records, settings, runs and JSON keep
//! paths in this form.
//!
//! A path that is Unicode is its own text. Any other begins with a mark that no absolute path begins with: on Unix
//! `bytes:/parts/a%FF.png`, with the bytes that are not UTF-8 and the percent sign as hexadecimal digits; on Windows
//! `utf16:C:\parts\a%D800.png`, with the code units that are not UTF-16 and the percent sign.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(not(windows))]
const MARK: &str = "bytes:";
#[cfg(windows)]
const MARK: &str = "utf16:";

/// Returns the text of a path.
pub(crate) fn to_text(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if !text.starts_with(MARK) => text.into(),
        _ => format!("{MARK}{}", encode(path)).into(),
    }
}

/// Returns the path of a text; a text with a mark that was not written by [`to_text`] on this system is taken as it is.
pub(crate) fn from_text(text: &str) -> PathBuf {
    text.strip_prefix(MARK).and_then(decode).unwrap_or_else(|| text.into())
}

#[cfg(not(windows))]
fn encode(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
    }
    text
}

#[cfg(unix)]
fn decode(text: &str) -> Option<PathBuf> {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    Some(OsString::from_vec(bytes).into())
}

#[cfg(not(any(unix, windows)))]
fn decode(_: &str) -> Option<PathBuf> {
    None
}

#[cfg(windows)]
fn encode(path: &Path) -> String {
    use std::os::windows::ffi::OsStrExt;
    let mut text = String::new();
    for unit in char::decode_utf16(path.as_os_str().encode_wide()) {
        match unit {
            Ok('%') => text.push_str("%0025"),
            Ok(c) => text.push(c),
            Err(lone) => text.push_str(&format!("%{:04X}", lone.unpaired_surrogate())),
        }
    }
    text
}

#[cfg(windows)]
fn decode(text: &str) -> Option<PathBuf> {
    use std::{ffi::OsString, os::windows::ffi::OsStringExt};
    let mut units = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    units.extend(parts.next()?.encode_utf16());
    for part in parts {
        units.push(u16::from_str_radix(part.get(..4)?, 16).ok()?);
        units.extend(part.get(4..)?.encode_utf16());
    }
    Some(OsString::from_wide(&units).into())
}

/// Writes a path, for `#[serde(with = "path_text")]`.
///
/// # Errors
/// Those of the serialiser.
pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_text(path))
}

/// Reads a path, likewise.
///
/// # Errors
/// Those of the deserialiser.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    Ok(from_text(&String::deserialize(deserializer)?))
}

/// Paths that may be missing, for `#[serde(with = "path_text::optional")]`.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, PathBuf, Serialize, Serializer, from_text, to_text};

    /// Writes a path or nothing.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(to_text).serialize(serializer)
    }

    /// Reads a path or nothing.
    ///
    /// # Errors
    /// Those of the deserialiser.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(|text| from_text(&text)))
    }
}

/// Lists of paths, for `#[serde(with = "path_text::list")]`.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, PathBuf, Serializer, from_text, to_text};

    /// Writes the paths.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub(crate) fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(paths.iter().map(|path| to_text(path)))
    }

    /// Reads the paths.
    ///
    /// # Errors
    /// Those of the deserialiser.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<String>::deserialize(deserializer)?.iter().map(|text| from_text(text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unicode_path_is_its_own_text() {
        for text in ["/parts/a.png", "C:\\parts\\50 %FF.png", "grüße\n\u{202e}", "", "surface:turned"] {
            assert_eq!(to_text(Path::new(text)), text);
            assert_eq!(from_text(text), Path::new(text));
        }
        // Even one that begins like the mark.
        for text in ["bytes:/a%FF", "utf16:%25", "bytes:%", "bytes:%2", "bytes:%zz", "bytes:é%é"] {
            assert_eq!(from_text(&to_text(Path::new(text))), Path::new(text));
        }
        assert_eq!(from_text("bytes:%"), Path::new("bytes:%"));
    }

    #[cfg(unix)]
    #[test]
    fn every_path_comes_back_byte_for_byte() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        for bytes in [&b"/parts/a\xff.png"[..], b"/\xfe/50 %.png", b"/%FF\xff\xc3\x28", b"\xed\xa0\x80"] {
            let path = Path::new(OsStr::from_bytes(bytes));
            let text = to_text(path);
            assert!(text.starts_with("bytes:"), "{text}");
            assert_eq!(from_text(&text), path);
        }
        assert_eq!(to_text(Path::new(OsStr::from_bytes(b"/parts/a\xff.png"))), "bytes:/parts/a%FF.png");
    }
}
