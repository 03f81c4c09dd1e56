//! Checkpoints: the complete state of a training run in one safetensors file.

use std::{
    collections::BTreeMap,
    fs,
    fs::File,
    io,
    io::BufReader,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    error::RunError,
    folder::RunFolder,
    layout::{CHECKPOINTS, KEPT_CHECKPOINTS},
};
use crate::{
    files,
    files::{Access, FileError},
    model::{
        tensor_file,
        tensor_file::{TensorFault, TensorReader, TensorWriter},
        weights::Weight,
    },
};

const PREFIX: &str = "step-";
const SUFFIX: &str = ".safetensors";

/// The state of a training run after `step` steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    /// Steps done.
    pub step: u64,
    /// Networks and optimisers; sorted by name when read from a file.
    pub tensors: Vec<Weight>,
    /// State other than tensors: seed, counters of the schedule and so on.
    pub meta: BTreeMap<String, String>,
}

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The file.
    pub path: PathBuf,
    /// Steps done according to the file name.
    pub step: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Fault found in its header or size, if any.
    pub fault: Option<String>,
}

/// Metadata of a checkpoint, stored as JSON.
#[derive(Serialize, Deserialize)]
struct Head {
    step: u64,
    /// CRC-32C of all tensors' bytes in file order.
    crc32c: u32,
    meta: BTreeMap<String, String>,
}

impl RunFolder {
    /// Writes a checkpoint and deletes the oldest ones before it, so that `KEPT_CHECKPOINTS` remain. Checkpoints of
    /// later steps, which exist after going back to an earlier one, are kept, and so are damaged ones; one of the same step is
    /// renamed.
    ///
    /// # Errors
    /// [`RunError::Gone`] if the folder is not the run's any more, [`FileError`], for instance on a full disk; the earlier
    /// checkpoints are then kept. [`RunError::Unwritable`] for a tensor whose values do not match its shape, or duplicate
    /// names.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<PathBuf, RunError> {
        self.require_present()?;
        let folder = self.path().join(CHECKPOINTS);
        match fs::create_dir(&folder) {
            Err(cause) if !folder.is_dir() => return Err(FileError::new(Access::Write, &folder, cause).into()),
            _ => {}
        }
        let path = folder.join(format!("{PREFIX}{:08}{SUFFIX}", checkpoint.step));
        if path.exists() && Checkpoint::read(&path).is_err() {
            set_aside(&path)?;
        }
        write(&path, checkpoint)?;
        let older = newest_first(&folder)?
            .into_iter()
            .filter(|(step, path)| *step <= checkpoint.step && open(path).is_ok())
            .skip(KEPT_CHECKPOINTS);
        for (_, path) in older {
            if let Err(cause) = fs::remove_file(&path) {
                let error = FileError::new(Access::Write, path, cause);
                tracing::warn!("an old checkpoint was not deleted: {error}");
            }
        }
        Ok(path)
    }

    /// Reads the latest intact checkpoint, if any. Damaged ones are skipped with a log message;
    /// [`checkpoints`](Self::checkpoints) gives the reason.
    ///
    /// # Errors
    /// [`RunError::AllDamaged`] if there are only damaged ones, [`FileError`] if the folder cannot be listed.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, RunError> {
        let (checkpoint, damaged) = self.latest_intact()?;
        for error in damaged {
            tracing::warn!("a checkpoint was skipped: {error}");
        }
        Ok(checkpoint)
    }

    /// Reads the latest intact checkpoint, if any, and returns also the faults of later ones.
    ///
    /// # Errors
    /// As [`latest_checkpoint`](Self::latest_checkpoint).
    pub(crate) fn latest_intact(&self) -> Result<(Option<Checkpoint>, Vec<FileError>), RunError> {
        let mut damaged = Vec::new();
        for (_, path) in newest_first(&self.path().join(CHECKPOINTS))? {
            match Checkpoint::read(&path) {
                Ok(checkpoint) => return Ok((Some(checkpoint), damaged)),
                Err(error) => damaged.push(error),
            }
        }
        if damaged.is_empty() { Ok((None, damaged)) } else { Err(RunError::all_damaged(self.path(), &damaged)) }
    }

    /// Lists the checkpoints, latest first, with header and size checked.
    ///
    /// # Errors
    /// [`FileError`] if the folder cannot be listed.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointFile>, RunError> {
        let files = newest_first(&self.path().join(CHECKPOINTS))?;
        Ok(files
            .into_iter()
            .map(|(step, path)| CheckpointFile {
                step,
                bytes: fs::metadata(&path).map_or(0, |kind| kind.len()),
                fault: open(&path).err().map(|error| error.to_string()),
                path,
            })
            .collect())
    }
}

impl Checkpoint {
    /// Reads a checkpoint; tensors are sorted by name.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::Damaged`] for anything but an intact checkpoint. Memory use is bounded by the size of
    /// the file, whatever its header says.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let (source, head) = open(path)?;
        let (tensors, crc) = source.tensors().map_err(|fault| unreadable(path, fault))?;
        if crc != head.crc32c {
            return Err(unreadable(path, TensorFault::Damaged("its checksum does not match")));
        }
        Ok(Self { step: head.step, tensors, meta: head.meta })
    }
}

/// Lists the checkpoints in `folder` with their steps, latest first; empty if the folder does not exist.
pub(super) fn newest_first(folder: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let fault = |cause| FileError::new(Access::Read, folder, cause);
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result.map_err(fault)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        if let Some(step) = step {
            files.push((step, entry.path()));
        }
    }
    files.sort_by(|a, b| b.cmp(a));
    Ok(files)
}

/// Renames a damaged checkpoint, so that it is not written over.
fn set_aside(path: &Path) -> Result<(), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let free = (1_u32..).map(|n| {
        path.with_file_name(match n {
            1 => format!("{name}.damaged"),
            n => format!("{name}.damaged-{n}"),
        })
    });
    let Some(free) = free.into_iter().find(|free| !free.exists()) else { return Ok(()) };
    fs::rename(path, free).map_err(|cause| FileError::new(Access::Write, path, cause))
}

fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), RunError> {
    let unwritable = |what: String| RunError::Unwritable { path: path.to_owned(), what };
    let sink = TensorWriter::new(&checkpoint.tensors).map_err(unwritable)?;
    let head = Head { step: checkpoint.step, crc32c: sink.crc32c(), meta: checkpoint.meta.clone() };
    let head = serde_json::to_string(&head).map_err(|error| unwritable(error.to_string()))?;
    let header = sink.header(head).map_err(unwritable)?;
    files::write_atomic_with(path, |out| sink.write(&header, out))?;
    Ok(())
}

/// Opens a checkpoint, reads its header and checks its length.
fn open(path: &Path) -> Result<(TensorReader<BufReader<File>>, Head), FileError> {
    let (reader, length) = tensor_file::open(path, u64::MAX)?;
    let source = TensorReader::new(reader, length).map_err(|fault| unreadable(path, fault))?;
    source.check().map_err(|fault| unreadable(path, fault))?;
    let head = source
        .head()
        .and_then(|head| serde_json::from_str(head).ok())
        .ok_or_else(|| unreadable(path, TensorFault::Damaged("it was not written by this program")))?;
    Ok((source, head))
}

fn unreadable(path: &Path, fault: TensorFault) -> FileError {
    match fault {
        TensorFault::Io(cause) => FileError::new(Access::Read, path, cause),
        TensorFault::Damaged(what) => FileError::damaged(path, format!("the checkpoint is damaged ({what})")),
    }
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;
    use crate::train::run_folder::RunInfo;

    fn run(root: &Path) -> RunFolder {
        RunFolder::create(&root.join("a"), &RunInfo::new("a", "b", "c"), "").unwrap()
    }

    fn state(step: u64) -> Checkpoint {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| Weight {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        Checkpoint {
            step,
            tensors: vec![
                tensor("d.bias", &[], &[step as f32]),
                tensor("g.empty", &[3, 0], &[]),
                tensor(
                    "g.weight",
                    &[2, 3],
                    &[0.1, -0.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::NEG_INFINITY, f32::EPSILON],
                ),
            ],
            meta: BTreeMap::from([
                ("random".to_owned(), "{\"seed\": [1, 2]}".to_owned()),
                ("schedule".to_owned(), "näher \"am\"\nRand".to_owned()),
            ]),
        }
    }

    #[test]
    fn a_checkpoint_comes_back_bit_for_bit() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        assert_eq!(run.latest_checkpoint().unwrap(), None);
        let saved = state(1234);
        let path = run.save_checkpoint(&saved).unwrap();
        assert!(path.ends_with("checkpoints/step-00001234.safetensors"));
        let read = run.latest_checkpoint().unwrap().unwrap();
        assert_eq!(read, saved);
        let bits = |c: &Checkpoint| -> Vec<u32> {
            let values = c.tensors.iter().flat_map(|tensor| &tensor.values);
            values.map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&read), bits(&saved));

        // Other readers can read it, and the same state gives the same file.
        let bytes = fs::read(&path).unwrap();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(theirs.tensor("g.weight").unwrap().shape(), [2, 3]);
        run.save_checkpoint(&saved).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn a_tensor_longer_than_one_chunk_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let values: Vec<f32> = (0..2 * tensor_file::CHUNK + 5).map(|i| i as f32).collect();
        let tensor = Weight { name: "x".to_owned(), shape: vec![values.len()], values };
        let saved = Checkpoint { tensors: vec![tensor], ..Checkpoint::default() };
        run.save_checkpoint(&saved).unwrap();
        assert_eq!(run.latest_checkpoint().unwrap(), Some(saved));
    }

    #[test]
    fn the_newest_few_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        for step in [100, 200, 300, 400, 500] {
            run.save_checkpoint(&state(step)).unwrap();
        }
        let steps = || -> Vec<u64> {
            let files = run.checkpoints().unwrap();
            files.iter().map(|file| file.step).collect()
        };
        assert_eq!(steps(), [500, 400, 300]);
        // Resumed from 300: later checkpoints are kept.
        run.save_checkpoint(&state(350)).unwrap();
        assert_eq!(steps(), [500, 400, 350, 300]);
    }

    #[test]
    fn a_checkpoint_truncated_at_any_byte_is_skipped() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        run.save_checkpoint(&state(1)).unwrap();
        let path = run.save_checkpoint(&state(2)).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let latest = run.latest_checkpoint().unwrap().unwrap();
            assert_eq!(latest.step, 1, "cut to {cut} bytes");
            let files = run.checkpoints().unwrap();
            let fault = files[0].fault.as_deref().unwrap_or_default();
            assert!(fault.contains("step-00000002"), "cut to {cut}: {fault}");
            assert_eq!(files[1].fault, None);
        }
        let mut longer = whole.clone();
        longer.push(0);
        fs::write(&path, &longer).unwrap();
        assert_eq!(run.latest_checkpoint().unwrap().unwrap().step, 1);
    }

    #[test]
    fn damaged_checkpoints_are_named_and_neither_deleted_nor_written_over() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        for step in [100, 200, 300] {
            run.save_checkpoint(&state(step)).unwrap();
        }
        let file = |step: u64| run.path().join(CHECKPOINTS).join(format!("{PREFIX}{step:08}{SUFFIX}"));
        for (step, bytes) in [(300, &b"torn"[..]), (200, b"")] {
            fs::write(file(step), bytes).unwrap();
        }
        let (latest, damaged) = run.latest_intact().unwrap();
        assert_eq!(latest.unwrap().step, 100);
        let told: Vec<String> = damaged.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("step-00000300") && told[1].contains("step-00000200"), "{told:?}");

        // Trained on from step 100.
        for step in [150, 200, 250, 300, 350] {
            run.save_checkpoint(&state(step)).unwrap();
        }
        let kept = |name: &str| fs::read(run.path().join(CHECKPOINTS).join(name)).unwrap();
        assert_eq!(kept("step-00000300.safetensors.damaged"), b"torn");
        assert_eq!(kept("step-00000200.safetensors.damaged"), b"");
        let steps: Vec<u64> = run.checkpoints().unwrap().iter().map(|file| file.step).collect();
        assert_eq!(steps, [350, 300, 250]);

        // Damaged ones do not displace intact ones.
        for step in [350, 300] {
            fs::write(file(step), b"torn").unwrap();
        }
        run.save_checkpoint(&state(400)).unwrap();
        run.save_checkpoint(&state(450)).unwrap();
        assert!(file(350).exists() && file(250).exists());

        for step in [450, 400, 250] {
            fs::write(file(step), b"torn").unwrap();
        }
        let message = run.latest_checkpoint().unwrap_err().to_string();
        for part in ["step-00000450", "step-00000250", "backup", "--out"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn no_part_of_a_run_that_is_gone_is_created_again() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let lock = run.lock().unwrap();
        run.require_owned(&lock).unwrap();
        run.save_checkpoint(&state(1)).unwrap();
        // The checkpoints alone are created again.
        fs::remove_dir_all(run.path().join(CHECKPOINTS)).unwrap();
        run.save_checkpoint(&state(2)).unwrap();
        fs::remove_dir_all(run.path()).unwrap();
        assert!(matches!(run.require_owned(&lock), Err(RunError::Gone { .. })));
        let error = run.save_checkpoint(&state(3)).unwrap_err();
        assert!(matches!(error, RunError::Gone { .. }));
        assert!(error.to_string().contains(&run.path().display().to_string()), "{error}");
        assert!(!run.path().exists());
        // Another run in its place is another run.
        #[cfg(unix)]
        {
            let other = RunFolder::create(run.path(), &RunInfo::new("a", "b", "c"), "").unwrap();
            drop(other.lock().unwrap());
            assert!(matches!(run.require_owned(&lock), Err(RunError::Gone { .. })));
        }
    }

    #[test]
    fn damage_anywhere_is_noticed_or_harmless() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let saved = state(2);
        let path = run.save_checkpoint(&saved).unwrap();
        let whole = fs::read(&path).unwrap();
        let data = whole.len() - 28;
        for at in (0..whole.len()).step_by(3).chain(data..whole.len()) {
            let mut bad = whole.clone();
            bad[at] ^= 0x40;
            fs::write(&path, &bad).unwrap();
            let result = Checkpoint::read(&path);
            if at >= data {
                assert!(matches!(result, Err(FileError::Damaged { .. })), "byte {at}");
            }
        }
    }

    #[test]
    fn an_excessive_header_length_is_rejected() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.safetensors");
        for length in [u64::MAX, 1 << 40, 9] {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend_from_slice(b"{}      ");
            fs::write(&path, &bytes).unwrap();
            assert!(matches!(Checkpoint::read(&path), Err(FileError::Damaged { .. })));
        }
    }

    #[test]
    fn other_safetensors_files_are_not_checkpoints() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.safetensors");
        let bytes = [0u8; 8];
        let view = |dtype, shape| safetensors::tensor::TensorView::new(dtype, shape, &bytes).unwrap();
        for view in [view(Dtype::F32, vec![2]), view(Dtype::F64, vec![1])] {
            let file = safetensors::serialize([("x", view)], None).unwrap();
            fs::write(&path, file).unwrap();
            let message = Checkpoint::read(&path).unwrap_err().to_string();
            assert!(message.contains("x.safetensors"), "{message}");
        }
    }

    #[test]
    fn inconsistent_tensors_are_rejected() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path());
        let mut short = state(1);
        short.tensors[2].values.pop();
        assert!(matches!(run.save_checkpoint(&short), Err(RunError::Unwritable { .. })));
        let mut twice = state(1);
        twice.tensors[0].name = "g.weight".to_owned();
        assert!(matches!(run.save_checkpoint(&twice), Err(RunError::Unwritable { .. })));
        assert!(run.checkpoints().unwrap().is_empty());
    }
}
