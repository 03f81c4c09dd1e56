//! Listing a folder's images, and the system's notifications of changes in it.

use std::{
    fs,
    fs::ReadDir,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crossbeam_channel::Sender;
use notify::{
    Config, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind},
};

use crate::{
    data::decode::{is_named_like_an_image, is_passed_over},
    text::PrintablePath,
};

/// Device and inode of a folder, which differ after it was replaced by another of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity([u64; 2]);

impl Identity {
    /// Reads the identity of the folder at `path`; `None` where there is no folder.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            [about.dev(), about.ino()]
        };
        #[cfg(not(unix))]
        let id = {
            let _ = about;
            [0, 0]
        };
        Some(Self(id))
    }
}

/// Whether a path below `root` may be a part: an image by its name, and not hidden.
pub(crate) fn is_wanted(root: &Path, path: &Path) -> bool {
    is_named_like_an_image(path) && !is_passed_over(path) && !is_hidden(root, path)
}

fn is_hidden(root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
}

/// Iterates over the images of a folder without holding the whole list. Files that come and go meanwhile may be missed.
#[derive(Debug)]
pub(crate) struct FolderScan {
    root: PathBuf,
    recursive: bool,
    folders: Vec<PathBuf>,
    listing: Option<ReadDir>,
}

impl FolderScan {
    pub(crate) fn new(root: &Path, recursive: bool) -> Self {
        Self { root: root.to_owned(), recursive, folders: vec![root.to_owned()], listing: None }
    }
}

impl Iterator for FolderScan {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        loop {
            let Some(entry) = self.listing.as_mut().and_then(Iterator::next) else {
                let folder = self.folders.pop()?;
                self.listing = fs::read_dir(&folder)
                    .inspect_err(|error| tracing::warn!("{} is skipped: {error}", folder.printable()))
                    .ok();
                continue;
            };
            let Ok(entry) = entry else {
                self.listing = None;
                continue;
            };
            let path = entry.path();
            // Links to folders are not followed, since they may lead in circles.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if self.recursive && !is_hidden(&self.root, &path) {
                    self.folders.push(path);
                }
            } else if is_wanted(&self.root, &path) {
                return Some(path);
            }
        }
    }
}

/// A notification of the file system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FolderEvent {
    /// This file was created or changed.
    File(PathBuf),
    /// A folder was created or moved here and may hold files already.
    Folder,
}

/// Gaps in the system's notifications.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Notifications were lost: the folder must be scanned.
    pub missed: AtomicBool,
    /// A subfolder cannot be watched: the folder must be scanned periodically.
    pub unwatched: AtomicBool,
}

/// Subscribes to notifications of changes below `root`. Those lost by the system or by a full `events` queue are noted in
/// `gaps`.
pub(crate) fn listen(
    root: &Path,
    recursive: bool,
    events: Sender<FolderEvent>,
    gaps: Arc<Gaps>,
) -> notify::Result<RecommendedWatcher> {
    let base = root.to_owned();
    let handler = move |event: notify::Result<Event>| {
        let lost = match event {
            Ok(event) if event.need_rescan() => true,
            Ok(event) => interpret(&base, recursive, event).into_iter().any(|event| events.try_send(event).is_err()),
            Err(error) => {
                tracing::warn!("changes in {} may have been missed: {error}", base.printable());
                if matches!(error.kind, ErrorKind::MaxFilesWatch) {
                    gaps.unwatched.store(true, Ordering::Relaxed);
                }
                true
            }
        };
        if lost {
            gaps.missed.store(true, Ordering::Relaxed);
        }
    };
    let mut watcher = RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false))?;
    let mode = if recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(root, mode)?;
    Ok(watcher)
}

/// Interprets a notification. Reading files is ignored, because the watch itself does that.
fn interpret(root: &Path, recursive: bool, event: Event) -> Vec<FolderEvent> {
    let may_be_folder = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => return Vec::new(),
        EventKind::Create(kind) => kind != CreateKind::File,
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Any | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => false,
    };
    let means = |path: PathBuf| {
        if is_wanted(root, &path) {
            Some(FolderEvent::File(path))
        } else {
            let folder = may_be_folder && recursive && !is_hidden(root, &path) && path.is_dir();
            folder.then_some(FolderEvent::Folder)
        }
    };
    event.paths.into_iter().filter_map(means).collect()
}

/// The type of a remote file system, whose changes this machine is not notified of, by the mount table of Linux; `None`
/// for a local one and on other systems.
pub(crate) fn remote_kind(path: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let real = fs::canonicalize(path).ok()?;
    let kind = kind_of_mount(&mounts, &real)?;
    let remote = ["nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gfs", "vboxsf", "vmhgfs", "prl_fs", "fuse."];
    remote.iter().any(|name| kind.starts_with(name)).then_some(kind)
}

/// The type of the file system of `path`: that of the longest mount point above it, and of several at the same point the
/// last one.
fn kind_of_mount(mounts: &str, path: &Path) -> Option<String> {
    let parse = |line: &str| {
        let (place, about) = line.split_once(" - ")?;
        let point = PathBuf::from(unescaped(place.split(' ').nth(4)?));
        let kind = about.split(' ').next()?.to_owned();
        path.starts_with(&point).then(|| (point.components().count(), kind))
    };
    mounts.lines().filter_map(parse).max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

/// Replaces the octal escapes of the mount table.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign))
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn a_walk_finds_images_that_are_not_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["a.png", "b.TIF", "note.txt", "c.png.part", "d.tmp", ".hidden.png", "sub/e.jpg", ".git/f.png"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |recursive| {
            let mut names: Vec<String> = FolderScan::new(root, recursive)
                .map(|p| p.strip_prefix(root).unwrap().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(found(false), ["a.png", "b.TIF"]);
        assert_eq!(found(true), ["a.png", "b.TIF", "sub/e.jpg"]);
        assert_eq!(FolderScan::new(&root.join("absent"), true).count(), 0);
    }

    #[test]
    fn events_are_heard_for_what_they_mean_here() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("sub")).unwrap();
        let hear = |kind, name: &str| interpret(root, true, Event::new(kind).add_path(root.join(name)));
        let file = |name: &str| vec![FolderEvent::File(root.join(name))];
        let close = |mode| EventKind::Access(AccessKind::Close(mode));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        assert_eq!(hear(EventKind::Modify(ModifyKind::Data(DataChange::Any)), "a.png"), file("a.png"));
        assert_eq!(hear(close(AccessMode::Write), "a.png"), file("a.png"));
        assert_eq!(hear(renamed, "a.png"), file("a.png"));
        assert_eq!(hear(EventKind::Remove(RemoveKind::File), "a.png"), file("a.png"));
        assert_eq!(hear(close(AccessMode::Read), "a.png"), []);
        assert_eq!(hear(EventKind::Create(CreateKind::File), "a.png.part"), []);
        assert_eq!(hear(EventKind::Create(CreateKind::Folder), "sub"), [FolderEvent::Folder]);
        assert_eq!(hear(renamed, "sub"), [FolderEvent::Folder]);
        assert_eq!(hear(renamed, ".sub"), []);
    }

    #[test]
    fn the_longest_mount_point_says_what_a_folder_lies_on() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            40 22 0:35 / /mnt/line rw shared:5 - nfs4 server:/line rw\n\
            41 40 0:36 / /mnt/line/my\\040camera rw - tmpfs none rw\n\
            42 22 0:37 / /mnt/line rw - cifs //server/line rw\n";
        let kind = |path| kind_of_mount(mounts, Path::new(path));
        assert_eq!(kind("/home/kim").as_deref(), Some("ext4"));
        assert_eq!(kind("/mnt/line/a").as_deref(), Some("cifs"));
        assert_eq!(kind("/mnt/liner").as_deref(), Some("ext4"));
        assert_eq!(kind("/mnt/line/my camera/b").as_deref(), Some("tmpfs"));
    }
}
