//! The image files of a folder: one rule for every command and for the window.

use std::{
    fs,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    DataError,
    decode::{is_an_image_by_content, is_named_like_an_image, is_passed_over},
};

/// Bytes read to recognise a file by its content.
const HEAD: u64 = 512;

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FolderImages {
    /// Files to be read as images, sorted by folder and name.
    pub(crate) files: Vec<PathBuf>,
    /// Visible files that are something else, such as notes.
    pub(crate) others: usize,
    /// Sub-folders that were not searched.
    pub(crate) folders: usize,
}

impl FolderImages {
    /// Lists the images of a folder, and of its sub-folders if `is_recursive`, by the rule of [`entries`].
    ///
    /// # Errors
    /// [`DataError::Unreadable`] for a folder that cannot be listed.
    pub(crate) fn list(folder: &Path, is_recursive: bool) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Unreadable { path: folder.to_owned(), source };
        let (mut found, mut folders) = (Self::default(), Vec::new());
        for entry in entries(folder).map_err(unreadable)? {
            match entry.map_err(unreadable)? {
                VisibleEntry::Folder(path) => folders.push(path),
                VisibleEntry::Image(path) => found.files.push(path),
                VisibleEntry::Other => found.others += 1,
            }
        }
        found.files.sort();
        folders.sort();
        if !is_recursive {
            found.folders = folders.len();
            return Ok(found);
        }
        for folder in folders {
            let below = Self::list(&folder, true)?;
            found.files.extend(below.files);
            found.others += below.others;
        }
        Ok(found)
    }
}

/// One visible entry of a folder.
pub(crate) enum VisibleEntry {
    /// A sub-folder.
    Folder(PathBuf),
    /// A file to be read as an image.
    Image(PathBuf),
    /// Something else, such as notes.
    Other,
}

/// Reads the entries of a folder, in any order. A file is taken for an image by its name or, whatever its name, by its
/// first bytes. Hidden files, what systems leave behind and unfinished copies are passed over. Links to folders are not
/// followed, as they may lead in circles.
///
/// # Errors
/// Of the folder, if it cannot be read, or of single entries.
pub(crate) fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<VisibleEntry>>> {
    let passed_over = |entry: &io::Result<fs::DirEntry>| entry.as_ref().is_ok_and(|e| is_passed_over(&e.path()));
    let read = |entry: fs::DirEntry| {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            VisibleEntry::Folder(path)
        } else if is_named_like_an_image(&path) || begins_like_an_image(&path) {
            VisibleEntry::Image(path)
        } else {
            VisibleEntry::Other
        }
    };
    Ok(fs::read_dir(folder)?.filter(move |entry| !passed_over(entry)).map(move |entry| entry.map(read)))
}

/// Whether the content of a file is that of an image. Only a regular file is opened: opening a pipe would block.
fn begins_like_an_image(path: &Path) -> bool {
    let mut head = Vec::new();
    let is_file = fs::metadata(path).is_ok_and(|about| about.is_file());
    is_file
        && File::open(path).is_ok_and(|file| file.take(HEAD).read_to_end(&mut head).is_ok())
        && is_an_image_by_content(&head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_by_name_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        for name in ["Thumbs.db", "desktop.ini", ".DS_Store", "._b.png", "~$list.xlsx", "~lock.b.png#", "c.png.part"] {
            put(name, b"\xd0\xcf\x11\xe0");
        }
        for name in ["README.txt", "list.csv", "about.json", "Makefile"] {
            put(name, b"text");
        }
        put("b.png", b"broken");
        put("A.TIFF", b"");
        put("scan 1", b"P5 1 1 255\n1");
        put("sub/d.jpg", b"");
        put("sub/deeper/e.bmp", b"");
        put("__MACOSX/f.png", b"");
        put(".git/g.png", b"");
        let names = |found: &FolderImages| -> Vec<String> {
            let name = |p: &PathBuf| p.strip_prefix(folder.path()).unwrap().display().to_string();
            found.files.iter().map(name).collect()
        };
        let here = FolderImages::list(folder.path(), false).unwrap();
        assert_eq!(names(&here), ["A.TIFF", "b.png", "scan 1"]);
        assert_eq!((here.others, here.folders), (4, 1));
        let all = FolderImages::list(folder.path(), true).unwrap();
        assert_eq!(names(&all), ["A.TIFF", "b.png", "scan 1", "sub/d.jpg", "sub/deeper/e.bmp"]);
        assert_eq!(all.folders, 0);
        assert!(FolderImages::list(&folder.path().join("absent"), true).is_err());
    }
}
