//! Small copies of judged images.

use rusqlite::{OptionalExtension, params};

use super::{Record, RecordError, database::TransactionError};
use crate::review::{PartId, Timestamp};

impl Record {
    /// Keeps a copy of a part's image, a JPEG file; a part that has one keeps it.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be written.
    pub fn keep_picture(&mut self, part: PartId, jpeg: &[u8], time: Timestamp) -> Result<(), RecordError> {
        self.write(|transaction| {
            let known = transaction.prepare_cached("SELECT 1 FROM picture WHERE part = ?1")?.exists([part])?;
            if !known {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO picture (part, jpeg, time) VALUES (?1, ?2, ?3)")?;
                insert.execute(params![part, jpeg, time.0])?;
            }
            Ok::<_, TransactionError>(())
        })
    }

    /// Returns the copy of a part's image, a JPEG file; `None` if none was kept.
    ///
    /// # Errors
    /// [`RecordError`] for a file that cannot be read.
    pub fn kept_picture(&self, part: PartId) -> Result<Option<Vec<u8>>, RecordError> {
        self.read(|| {
            let mut find = self.connection.prepare_cached("SELECT jpeg FROM picture WHERE part = ?1")?;
            find.query_row([part], |row| row.get(0)).optional()
        })
    }
}
