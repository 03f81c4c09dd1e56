//! Content hashes that identify image files.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// BLAKE3 hash of a file's bytes: the identity of an image, wherever it is stored. Written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileHash([u8; 32]);

impl FileHash {
    /// Hashes these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Takes a hash that was computed piece by piece.
    pub(super) fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileHash({self})")
    }
}

/// Error for a text that is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a file hash: it must be 64 hexadecimal digits")]
pub struct BadHash(String);

impl FromStr for FileHash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| BadHash(text.to_owned()))
    }
}

impl TryFrom<String> for FileHash {
    type Error = BadHash;

    fn try_from(text: String) -> Result<Self, BadHash> {
        text.parse()
    }
}

impl From<FileHash> for String {
    fn from(hash: FileHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_in_hexadecimal() {
        let hash = FileHash::of(b"surface");
        assert_eq!(hash.to_string().parse::<FileHash>().unwrap(), hash);
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<FileHash>(&json).unwrap(), hash);
        assert!(serde_json::from_str::<FileHash>("\"12\"").is_err());
    }
}
