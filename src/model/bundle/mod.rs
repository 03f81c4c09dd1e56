//! The model file, `name.ganspect`: all networks of a trained model and its metadata in one safetensors file, which other
//! programs can read as well.
//!
//! Tensors are named by network: `g/…` the generator, `d/…` the discriminator, `ema/…` the averaged generator, `e/…` the
//! encoder. The file's metadata holds a single key, `ganspect`, with JSON: the format version, the version of the program
//! that wrote it, a checksum over the whole content, and the texts in [`Bundle::meta`].

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use burn::module::Module;
use serde::{Deserialize, Serialize};

use super::{
    tensor_file,
    tensor_file::{TensorFault, TensorReader, TensorWriter},
    weights,
    weights::{Weight, WeightError},
};
use crate::{
    files,
    files::{Access, FileError},
    text::PrintablePath,
};

#[cfg(test)]
mod tests;

/// The newest version of the model file format, which this program writes. Version 2: calibrations may bound the terms of
/// the combined score and limit whole frames, which a program for version 1 would overlook.
pub(crate) const BUNDLE_FORMAT: u32 = 2;
/// Extension of a model file's name, without the dot.
pub(crate) const BUNDLE_EXTENSION: &str = "ganspect";
/// Maximum size of a model file in bytes: half a billion parameters.
const BUNDLE_LIMIT: u64 = 2 << 30;

/// A trained model: its networks and metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    /// The parameters of all networks, named `network/parameter`; sorted by name when read from a file.
    pub tensors: Vec<Weight>,
    /// Metadata such as the recipe and the calibration, each serialised by the module that owns it.
    pub meta: BTreeMap<String, String>,
}

/// The origin of a model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Format version, at most `BUNDLE_FORMAT`.
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
}

/// Why a model file cannot be used. Each message names the file and a remedy.
#[expect(missing_docs, reason = "each message says what its variant and fields are")]
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    File(#[from] FileError),

    #[error("{} is not a model of this program; choose a .{BUNDLE_EXTENSION} file, or train or export a model", path.printable())]
    NotAModel { path: PathBuf },

    #[error("cannot read {}: it is damaged or not a model ({what}); copy the file again, choose another, or train or export the model again", path.printable())]
    Damaged { path: PathBuf, what: String },

    #[error("{} was written by a newer version of this program (model format {found}; this one reads up to {BUNDLE_FORMAT}); update the program to open it", path.printable())]
    Newer { path: PathBuf, found: u64 },

    #[error("cannot {access} {}: the tensor '{tensor}' holds NaN or infinity; train or export the model again, from an earlier checkpoint", path.printable())]
    NotFinite { access: Access, path: PathBuf, tensor: String },

    #[error("cannot use {}: the network '{network}' does not fit the recipe ({cause}); train or export the model again", path.printable())]
    Unfit { path: PathBuf, network: String, cause: WeightError },

    #[error("cannot write {}: {what}; please report this bug", path.printable())]
    Unwritable { path: PathBuf, what: String },
}

/// The JSON in a model file's metadata.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    program: String,
    /// See [`Bundle::seal`].
    seal: String,
    meta: BTreeMap<String, String>,
}

/// The part of a [`Head`] that every later format version will have.
#[derive(Deserialize)]
struct AnyHead {
    format: u64,
}

impl Bundle {
    /// Reads a model file. Tensors are sorted by name, each with as many values as its shape has. Never allocates more than
    /// the size of the file, whatever the file claims.
    ///
    /// # Errors
    /// [`BundleError`] unless the file is a complete model of a known format with finite values only.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        Ok(Self::read_with_provenance(path)?.0)
    }

    /// As [`read`](Self::read), with the origin of the file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with_provenance(path: &Path) -> Result<(Self, Provenance), BundleError> {
        let (reader, length) = tensor_file::open(path, BUNDLE_LIMIT)?;
        decode(path, reader, length)
    }

    /// Reads a model from memory, such as one compiled into the program; `name` identifies it in messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, BundleError> {
        Ok(Self::from_bytes_with_provenance(name, bytes)?.0)
    }

    /// As [`from_bytes`](Self::from_bytes), with the origin of the file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes_with_provenance(name: &str, bytes: &[u8]) -> Result<(Self, Provenance), BundleError> {
        decode(Path::new(name), bytes, bytes.len() as u64)
    }

    /// Writes a model file atomically. The same content gives the same bytes, whatever the order of the tensors.
    ///
    /// # Errors
    /// [`FileError`], for instance on a full disk, [`BundleError::NotFinite`] for NaN or infinity, and
    /// [`BundleError::Unwritable`] for a tensor whose values do not fill its shape or a duplicate name. An existing file at
    /// `path` is then unchanged.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        let (sink, header) = self.prepare(path)?;
        files::write_atomic_with(path, |out| sink.write(&header, out))?;
        Ok(())
    }

    /// Returns the tensors named `prefix/…` by their names without the prefix: one network, as [`weights::write`] takes them.
    pub fn with_prefix(&self, prefix: &str) -> BTreeMap<String, Weight> {
        weights::with_prefix(&self.tensors, prefix)
    }

    /// Returns `network` with the parameters stored under `prefix`; `path` identifies the model in messages.
    ///
    /// # Errors
    /// [`BundleError::Unfit`] for a parameter that is missing or has another shape.
    pub(crate) fn fill<M: Module>(&self, path: &Path, prefix: &str, network: M) -> Result<M, BundleError> {
        weights::write(network, &self.with_prefix(prefix)).map_err(|cause| BundleError::Unfit {
            path: path.into(),
            network: prefix.into(),
            cause,
        })
    }

    /// Returns the identity of the model: 64 hexadecimal digits (BLAKE3) over names, shapes and values of the tensors,
    /// whatever their order. Recalibration does not change it.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut tensors: Vec<&Weight> = self.tensors.iter().collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        for tensor in tensors {
            add_text(&mut hasher, &tensor.name);
            add_number(&mut hasher, tensor.shape.len());
            for &side in &tensor.shape {
                add_number(&mut hasher, side);
            }
            add_number(&mut hasher, tensor.values.len());
            tensor_file::each_chunk(&tensor.values, |bytes| {
                hasher.update(bytes);
            });
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Returns the checksum: 64 hexadecimal digits (BLAKE3) over the whole content and the version of the program that
    /// wrote it. A calibration with a single changed digit would otherwise silently give wrong verdicts.
    fn seal(&self, program: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        add_text(&mut hasher, program);
        add_text(&mut hasher, &self.hash());
        for (key, value) in &self.meta {
            add_text(&mut hasher, key);
            add_text(&mut hasher, value);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Checks the content, and prepares the tensors and the header of a file at `path`.
    fn prepare(&self, path: &Path) -> Result<(TensorWriter<'_>, Vec<u8>), BundleError> {
        let unwritable = |what: String| BundleError::Unwritable { path: path.into(), what };
        if let Some(tensor) = self.first_not_finite() {
            return Err(BundleError::NotFinite { access: Access::Write, path: path.into(), tensor: tensor.into() });
        }
        let sink = TensorWriter::new(&self.tensors).map_err(unwritable)?;
        let program = env!("CARGO_PKG_VERSION");
        let head = Head {
            format: BUNDLE_FORMAT,
            program: program.to_owned(),
            seal: self.seal(program),
            meta: self.meta.clone(),
        };
        let head = serde_json::to_string(&head).map_err(|error| unwritable(error.to_string()))?;
        let header = sink.header(head).map_err(unwritable)?;
        let size = header.len() as u64 + self.tensors.iter().map(|t| 4 * t.values.len() as u64).sum::<u64>();
        if size > BUNDLE_LIMIT {
            return Err(unwritable(format!("its {size} bytes exceed the limit of {BUNDLE_LIMIT} for a model")));
        }
        Ok((sink, header))
    }

    /// Returns the name of the first tensor with NaN or infinity.
    pub(crate) fn first_not_finite(&self) -> Option<&str> {
        let bad = self.tensors.iter().find(|tensor| tensor.values.iter().any(|value| !value.is_finite()))?;
        Some(&bad.name)
    }
}

fn add_number(hasher: &mut blake3::Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

fn add_text(hasher: &mut blake3::Hasher, text: &str) {
    add_number(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn decode(path: &Path, reader: impl Read, length: u64) -> Result<(Bundle, Provenance), BundleError> {
    let damaged = |what: &str| BundleError::Damaged { path: path.into(), what: what.into() };
    let fault = |fault| match fault {
        TensorFault::Io(cause) => FileError::new(Access::Read, path, cause).into(),
        TensorFault::Damaged(what) => damaged(what),
    };
    let source = TensorReader::new(reader, length).map_err(fault)?;
    let head = source.head().unwrap_or_default();
    let Ok(AnyHead { format }) = serde_json::from_str(head) else {
        return Err(BundleError::NotAModel { path: path.into() });
    };
    // Checked first, since everything else may differ in a newer format.
    if format > u64::from(BUNDLE_FORMAT) {
        return Err(BundleError::Newer { path: path.into(), found: format });
    }
    if format == 0 {
        return Err(damaged("there is no format 0"));
    }
    let Ok(head) = serde_json::from_str::<Head>(head) else {
        return Err(damaged("its metadata is incomplete"));
    };
    let (tensors, _) = source.tensors().map_err(fault)?;
    let bundle = Bundle { tensors, meta: head.meta };
    if bundle.seal(&head.program) != head.seal {
        return Err(damaged("its checksum does not match"));
    }
    if let Some(tensor) = bundle.first_not_finite() {
        return Err(BundleError::NotFinite { access: Access::Read, path: path.into(), tensor: tensor.into() });
    }
    Ok((bundle, Provenance { format: head.format, program: head.program }))
}
