//! Finds parts whose file was recorded before its writer had finished.

use std::path::Path;

use rusqlite::params;

use super::{Record, RecordError, database::stored_path, read};
use crate::{
    data::{FileHash, Unwritten},
    review::PartId,
};

/// Most earlier parts of a path that are compared with a new one, the latest.
const COMPARED: i64 = 16;

/// How a part's file came to be as it was inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// Where the file held only zeros, which may have been reserved space.
    pub unwritten: Option<Unwritten>,
    /// Parts of the same path whose file was not finished, and whose place this part takes.
    pub supersedes: Vec<PartId>,
}

/// A part of the same path as a new one, whose file may not have been finished when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierPart {
    /// The part.
    pub id: PartId,
    /// Hash of the file.
    pub hash: FileHash,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// Where the file held only zeros.
    pub unwritten: Option<Unwritten>,
}

impl EarlierPart {
    /// Whether this content is the finished file: it begins with the whole of the earlier file, or differs from that only
    /// where it held zeros. A file of other content is another part.
    pub fn is_finished_by(&self, content: &[u8]) -> bool {
        let grew = usize::try_from(self.bytes)
            .is_ok_and(|bytes| bytes < content.len() && FileHash::of(&content[..bytes]) == self.hash);
        grew || self.unwritten.as_ref().is_some_and(|unwritten| unwritten.is_filled_by(content))
    }
}

impl Record {
    /// Returns the latest parts of this path with other content, apart from those that are superseded.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn earlier_parts(&self, path: &Path, hash: FileHash) -> Result<Vec<EarlierPart>, RecordError> {
        let path = stored_path(path)?;
        self.read(|| {
            let mut find = self.connection.prepare_cached(
                "SELECT id, hash, bytes, unwritten FROM part
                 WHERE path = ?1 AND hash <> ?2 AND id NOT IN (SELECT part FROM superseded)
                 ORDER BY id DESC LIMIT ?3",
            )?;
            let earlier = |row: &rusqlite::Row<'_>| {
                let known = row.get_ref(3)?.data_type() != rusqlite::types::Type::Null;
                Ok(EarlierPart {
                    id: row.get(0)?,
                    hash: read::parsed(row, 1)?,
                    bytes: row.get::<_, i64>(2)? as u64,
                    unwritten: if known { Some(read::json(row, 3)?) } else { None },
                })
            };
            find.query_map(params![path, hash.to_string(), COMPARED], earlier)?.collect()
        })
    }
}
