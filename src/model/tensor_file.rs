//! Named tensors and one text in a safetensors file; the basis of checkpoints and model files.
//!
//! The file consists of the header's length (eight bytes, little endian), the header (JSON: type, shape and offsets of each
//! tensor, and under `__metadata__` a single key, [`HEAD_KEY`], with the caller's text), and the values.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    fs::File,
    io,
    io::{BufReader, Read, Write},
    path::Path,
};

use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use serde::{
    Deserialize,
    de::{Error as _, MapAccess, Visitor},
};

use super::weights::Weight;
use crate::{files, files::FileError};

/// The metadata key of the caller's text. There is only one, because safetensors keeps its metadata in a hash map: several
/// keys would be written in random order, and equal contents are to give equal files.
pub(crate) const HEAD_KEY: &str = "ganspect";
/// The name that the format reserves for its metadata.
const RESERVED: &str = "__metadata__";
/// Maximum size of a file's header in bytes.
const HEADER_LIMIT: u64 = 16 << 20;
/// Values converted at a time.
pub(crate) const CHUNK: usize = 1 << 14;

/// Why the tensors of a file could not be read.
#[derive(Debug)]
pub(crate) enum TensorFault {
    /// The operating system reported an error.
    Io(io::Error),
    /// The contents are invalid; completes "it is damaged: …".
    Damaged(&'static str),
}

impl From<io::Error> for TensorFault {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// An open file, read up to the end of its header.
#[derive(Debug)]
pub(crate) struct TensorReader<R> {
    reader: R,
    layout: Metadata,
    /// Length of the data after the header, in bytes.
    data: u64,
}

/// Opens a regular file of at most `limit` bytes for a [`TensorReader`]. Returns its length too.
pub(crate) fn open(path: &Path, limit: u64) -> Result<(BufReader<File>, u64), FileError> {
    let (file, size) = files::open(path, limit)?;
    Ok((BufReader::with_capacity(1 << 18, file), size))
}

impl<R: Read> TensorReader<R> {
    /// Reads the header. `length` is that of the whole file; nothing beyond it is allocated, whatever the header claims.
    pub(crate) fn new(mut reader: R, length: u64) -> Result<Self, TensorFault> {
        let Some(after_size) = length.checked_sub(8) else {
            return Err(TensorFault::Damaged("it ends within its first eight bytes"));
        };
        let mut size = [0; 8];
        reader.read_exact(&mut size)?;
        let size = u64::from_le_bytes(size);
        if size > HEADER_LIMIT || size > after_size {
            return Err(TensorFault::Damaged("its header is longer than the file or the limit"));
        }
        let mut header = vec![0; size as usize];
        reader.read_exact(&mut header)?;
        let layout = parse(&header).ok_or(TensorFault::Damaged("its header does not describe tensors"))?;
        Ok(Self { reader, layout, data: after_size - size })
    }

    /// The caller's text, if the file has one.
    pub(crate) fn head(&self) -> Option<&str> {
        self.layout.metadata().as_ref()?.get(HEAD_KEY).map(String::as_str)
    }

    /// Checks that the file has the length its header states and holds only 32-bit floats.
    pub(crate) fn check(&self) -> Result<(), TensorFault> {
        if self.layout.data_len() as u64 != self.data {
            return Err(TensorFault::Damaged("it is shorter or longer than its header says"));
        }
        if self.layout.tensors().values().any(|info| info.dtype != Dtype::F32) {
            return Err(TensorFault::Damaged("a tensor is not of 32-bit floating-point numbers"));
        }
        Ok(())
    }

    /// Returns all tensors sorted by name, each with as many values as its shape has, and the CRC-32C of their bytes in file
    /// order.
    pub(crate) fn tensors(mut self) -> Result<(Vec<Weight>, u32), TensorFault> {
        self.check()?;
        let mut crc = 0;
        let mut tensors = Vec::new();
        for name in self.layout.offset_keys() {
            let Some(info) = self.layout.info(&name) else {
                continue;
            };
            let bytes = info.data_offsets.1 - info.data_offsets.0;
            let mut values = Vec::with_capacity(bytes / size_of::<f32>());
            read_values(&mut self.reader, bytes, &mut values, &mut crc)?;
            tensors.push(Weight { shape: info.shape.clone(), name, values });
        }
        // Empty tensors share an offset, so the order of the file does not determine theirs.
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((tensors, crc))
    }
}

/// Valid tensors to be written: sorted by name, without duplicates, each with as many values as its shape has.
#[derive(Debug)]
pub(crate) struct TensorWriter<'a> {
    tensors: Vec<&'a Weight>,
    infos: Vec<(String, TensorInfo)>,
}

impl<'a> TensorWriter<'a> {
    /// Checks and orders the tensors. The error says what is wrong with them.
    pub(crate) fn new(tensors: &'a [Weight]) -> Result<Self, String> {
        let mut tensors: Vec<&Weight> = tensors.iter().collect();
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let mut names = BTreeSet::new();
        let mut infos = Vec::with_capacity(tensors.len());
        let mut end = 0;
        for tensor in &tensors {
            if tensor.name == RESERVED {
                return Err(format!("no tensor can be named {RESERVED}"));
            }
            if !names.insert(&tensor.name) {
                return Err(format!("it has two tensors {}", tensor.name));
            }
            let elements = tensor.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
            if elements != Some(tensor.values.len()) {
                return Err(format!(
                    "tensor {} of shape {:?} has {} values",
                    tensor.name,
                    tensor.shape,
                    tensor.values.len()
                ));
            }
            let start = end;
            end += tensor.values.len() * size_of::<f32>();
            let info = TensorInfo { dtype: Dtype::F32, shape: tensor.shape.clone(), data_offsets: (start, end) };
            infos.push((tensor.name.clone(), info));
        }
        Ok(Self { tensors, infos })
    }

    /// Returns the CRC-32C of all values in file order.
    pub(crate) fn crc32c(&self) -> u32 {
        let mut crc = 0;
        for tensor in &self.tensors {
            each_chunk(&tensor.values, |bytes| crc = crc32c::crc32c_append(crc, bytes));
        }
        crc
    }

    /// Returns the beginning of the file up to the values, with `head` as the caller's text. The error says what is wrong.
    pub(crate) fn header(&self, head: String) -> Result<Vec<u8>, String> {
        let metadata = HashMap::from([(HEAD_KEY.to_owned(), head)]);
        let layout = Metadata::new(Some(metadata), self.infos.clone()).map_err(|error| error.to_string())?;
        let mut header = serde_json::to_vec(&layout).map_err(|error| error.to_string())?;
        // The values begin at a multiple of eight bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() as u64 > HEADER_LIMIT {
            return Err(format!("its header has {} bytes", header.len()));
        }
        header.splice(0..0, (header.len() as u64).to_le_bytes());
        Ok(header)
    }

    /// Writes the header and all values.
    pub(crate) fn write(&self, header: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(header)?;
        for tensor in &self.tensors {
            let mut result = Ok(());
            each_chunk(&tensor.values, |bytes| {
                if result.is_ok() {
                    result = out.write_all(bytes);
                }
            });
            result?;
        }
        Ok(())
    }
}

/// Parses the header into tensors ordered by their offsets, which have to be contiguous. Returns `None` if it is
/// inconsistent or has a name twice, which a map would silently drop.
fn parse(header: &[u8]) -> Option<Metadata> {
    struct Entries {
        metadata: Option<HashMap<String, String>>,
        tensors: Vec<(String, TensorInfo)>,
    }

    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Entries;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("tensors by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
            let mut names = BTreeSet::new();
            let mut entries = Entries { metadata: None, tensors: Vec::new() };
            while let Some(name) = map.next_key::<String>()? {
                if !names.insert(name.clone()) {
                    return Err(A::Error::custom("a name comes twice"));
                }
                if name == RESERVED {
                    entries.metadata = map.next_value()?;
                } else {
                    entries.tensors.push((name, map.next_value()?));
                }
            }
            Ok(entries)
        }
    }

    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(InOrder)
        }
    }

    let mut entries: Entries = serde_json::from_slice(header).ok()?;
    entries.tensors.sort_by_key(|(_, info)| info.data_offsets);
    Metadata::new(entries.metadata, entries.tensors).ok()
}

/// Passes the values to `out` as little-endian bytes, a chunk at a time.
pub(crate) fn each_chunk(values: &[f32], mut out: impl FnMut(&[u8])) {
    let mut bytes = Vec::with_capacity(CHUNK.min(values.len()) * size_of::<f32>());
    for chunk in values.chunks(CHUNK) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
        out(&bytes);
    }
}

/// Reads `bytes` bytes, a multiple of four, as little-endian values, and updates the CRC-32C.
fn read_values(reader: &mut impl Read, mut bytes: usize, values: &mut Vec<f32>, crc: &mut u32) -> io::Result<()> {
    let mut chunk = vec![0; bytes.min(CHUNK * size_of::<f32>())];
    while bytes > 0 {
        chunk.truncate(bytes);
        reader.read_exact(&mut chunk)?;
        *crc = crc32c::crc32c_append(*crc, &chunk);
        let (quads, _) = chunk.as_chunks();
        values.extend(quads.iter().map(|&quad| f32::from_le_bytes(quad)));
        bytes -= chunk.len();
    }
    Ok(())
}
