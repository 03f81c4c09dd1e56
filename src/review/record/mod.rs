//! The review record: one append-only SQLite file.
//!
//! Every write is a separate transaction and is on the disk before its function returns (write-ahead log, synced at
//! each commit). A mistake is retracted by a new row, and so is a retraction. Triggers in the file reject every
//! `UPDATE` and `DELETE`, whichever program sends it.

mod adoptions;
mod database;
mod error;
mod existing;
mod history;
mod opinions;
mod parts;
mod pictures;
mod quarantine;
mod read;
mod schema;
mod superseded;
#[cfg(test)]
mod tests;

pub use adoptions::{ModelAdoption, NewAdoption};
pub use database::Record;
pub use error::RecordError;
pub use opinions::NewOpinion;
pub use parts::{FiledInspection, NewInspection, NewPart};
pub use quarantine::Quarantined;
pub use read::{RecordChanges, RecordPosition};
pub use schema::VERSION;
pub use superseded::{EarlierPart, Writing};
