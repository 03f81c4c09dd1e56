//! The lock of a run that is being trained.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::{error::RunError, layout::LOCK_FILE};
use crate::files::{Access, FileError};

/// A run locked by this process; dropping it releases the lock.
#[derive(Debug)]
pub struct RunLock {
    /// The operating system releases the lock when the file is closed, also for a killed process. The file itself is
    /// kept, since another process may just have opened it.
    file: File,
}

impl RunLock {
    /// Locks the run folder `run`.
    pub(super) fn take(run: &Path) -> Result<Self, RunError> {
        let path = run.join(LOCK_FILE);
        let fault = |cause| FileError::new(Access::Write, &path, cause);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The owner is optional; some systems do not allow reading a locked file.
                let _ = (&file).take(32).read_to_string(&mut text);
                return Err(RunError::Busy { path: run.into(), process: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(cause)) => return Err(fault(cause).into()),
        }
        file.set_len(0).map_err(fault)?;
        file.seek(SeekFrom::Start(0)).map_err(fault)?;
        writeln!(file, "{}", std::process::id()).map_err(fault)?;
        Ok(Self { file })
    }

    /// Whether the lock file of `run` is still the one that is held: not if the folder was removed, moved or replaced.
    pub(super) fn is_of(&self, run: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let at_path = std::fs::metadata(run.join(LOCK_FILE));
            let (Ok(at_path), Ok(held)) = (at_path, self.file.metadata()) else { return false };
            (at_path.dev(), at_path.ino()) == (held.dev(), held.ino())
        }
        #[cfg(not(unix))]
        {
            self.file.metadata().is_ok() && run.join(LOCK_FILE).exists()
        }
    }
}
