//! Opening the file: version check and migrations.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::RecordError;

/// SQLite application id of a record: "GanR".
const APPLICATION: i32 = i32::from_be_bytes(*b"GanR");

/// Migration to each version, first version first. A released migration never changes.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
];

/// Version of the schema that this program writes.
pub const VERSION: i32 = MIGRATIONS.len() as i32;

/// Longest wait for another writer, unless the caller has less patience.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two attempts where SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(5);

/// Capacity of the prepared statement cache.
const STATEMENTS: usize = 32;

/// Connects to the file at `path`, creating or migrating it as needed.
pub(super) fn open(path: &Path, patience: Duration) -> Result<Connection, RecordError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let fault = |cause| RecordError::new(path, cause);
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    if connection.is_readonly("main").map_err(fault)? {
        return Err(RecordError::ReadOnly(path.into()));
    }
    prepare(&mut connection, path, patience)?;
    Ok(connection)
}

/// Creates a database in memory.
pub(super) fn in_memory() -> Result<Connection, RecordError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory().map_err(|cause| RecordError::new(path, cause))?;
    prepare(&mut connection, path, PATIENCE)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path, patience: Duration) -> Result<(), RecordError> {
    let fault = |cause| RecordError::new(path, cause);
    connection.busy_timeout(patience).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
    // Identify the file and its version before anything is written, in one transaction: another program may be
    // creating it.
    let check = connection.transaction().map_err(fault)?;
    let (version, fresh) = examine(&check, path)?;
    check.finish().map_err(fault)?;
    write_ahead(connection, patience).map_err(fault)?;
    if version != VERSION || fresh {
        // A migration that writes a table anew leaves references to it open for a moment. Nothing is changed by this
        // within a transaction.
        connection.pragma_update(None, "foreign_keys", false).map_err(fault)?;
        migrate(connection, path)?;
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(fault)
}

/// Prepares a connection that only reads; returns the file's version.
pub(super) fn prepare_to_read(connection: &Connection, path: &Path, patience: Duration) -> Result<i32, RecordError> {
    let fault = |cause| RecordError::new(path, cause);
    connection.busy_timeout(patience).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "query_only", true).map_err(fault)?;
    let examined = match examine(connection, path) {
        // Lets SQLite read what is left of a file that was cut off; nothing is written all the same.
        Err(RecordError::Damaged { .. }) => {
            connection.pragma_update(None, "writable_schema", true).map_err(fault)?;
            examine(connection, path)?
        }
        examined => examined?,
    };
    match examined {
        (_, true) => Err(RecordError::Empty(path.into())),
        (version, false) => Ok(version),
    }
}

/// Migrates to the present version, in one transaction.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), RecordError> {
    let fault = |cause| RecordError::new(path, cause);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    // Another program may have migrated it since.
    let (version, _) = examine(&transaction, path)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or_default()) {
        transaction.execute_batch(migration).map_err(|cause| match fault(cause) {
            // The tables are not those of the version that the file names.
            RecordError::Damaged { path, .. } => RecordError::UnknownVersion { path, found: version },
            error => error,
        })?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(fault)?;
    transaction.pragma_update(None, "user_version", VERSION).map_err(fault)?;
    transaction.commit().map_err(fault)
}

/// Switches to a write-ahead log; no effect on a record in memory or on a file that already has one. This is the only
/// step at which SQLite does not wait by itself while another program creates the same record.
fn write_ahead(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        let busy = |cause: &rusqlite::Error| cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
        match mode {
            Err(cause) if busy(&cause) && start.elapsed() < patience => thread::sleep(PAUSE),
            mode => return mode.map(|_| ()),
        }
    }
}

/// Returns the file's version and whether it is empty. Rejects a file of another program or of a newer version.
fn examine(connection: &Connection, path: &Path) -> Result<(i32, bool), RecordError> {
    let fault = |cause| RecordError::new(path, cause);
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(fault);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fault)?;
    let (application, version) = (number("application_id")?, number("user_version")?);
    let fresh = tables == 0;
    match application {
        APPLICATION if version > VERSION => {
            Err(RecordError::Newer { path: path.into(), found: version, supported: VERSION })
        }
        APPLICATION if version < 1 && !fresh => Err(RecordError::UnknownVersion { path: path.into(), found: version }),
        APPLICATION => Ok((version, fresh)),
        0 if fresh && version == 0 => Ok((version, fresh)),
        _ => Err(RecordError::Foreign(path.into())),
    }
}
