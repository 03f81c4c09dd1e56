//! Paths as people type and paste them: with `~`, quotes, `file://`, percent signs and stray spaces; what is wrong with a
//! path, and what it can be completed to.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::text::{PrintablePath, path_text};

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathKind {
    /// A file to read.
    File,
    /// A file or a folder to read.
    Any,
    /// A folder to read.
    Folder,
    /// A file to write.
    NewFile,
    /// A folder to write to, which is created if it is missing.
    NewFolder,
}

/// Returns the path that a text means; `None` for a text without one.
pub(crate) fn resolve(text: &str) -> Option<PathBuf> {
    let home = directories::UserDirs::new().map(|dirs| dirs.home_dir().to_owned());
    resolve_in(text, home.as_deref())
}

/// Whether a text is a whole path rather than a name, which could be anything.
pub(crate) fn is_whole(text: &str) -> bool {
    let text = unquoted(text.trim());
    text.starts_with('~') || uri(text).is_some() || Path::new(text).is_absolute()
}

/// Like [`resolve`], with this home folder.
fn resolve_in(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    // A name may end in a space.
    if !text.trim().is_empty() && Path::new(text).is_absolute() && Path::new(text).exists() {
        return Some(text.into());
    }
    let text = unquoted(text.trim());
    if text.is_empty() {
        return None;
    }
    if let Some(path) = uri(text) {
        return Some(path);
    }
    let path = match text.strip_prefix('~') {
        Some("") => home.map(Path::to_owned),
        Some(rest) if rest.starts_with(['/', '\\']) => home.map(|home| home.join(rest.trim_start_matches(['/', '\\']))),
        _ => None,
    };
    let path = path.unwrap_or_else(|| path_text::from_text(text));
    if path.exists() {
        return Some(absolute(path, home));
    }
    // As file managers and shells write names with unusual characters, if that names something.
    let others = [percent_decoded(text), unescaped(text)];
    let found = others.into_iter().flatten().map(|other| absolute(other, home)).find(|other| other.exists());
    Some(found.unwrap_or_else(|| absolute(path, home)))
}

/// Returns a text without the quotes around it.
fn unquoted(text: &str) -> &str {
    [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('«', '»'), ('<', '>')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .map_or(text, str::trim)
}

/// Returns the path of a `file:` address of this machine.
fn uri(text: &str) -> Option<PathBuf> {
    let rest = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:")).and_then(|_| text.get(5..))?;
    let path = match rest.strip_prefix("//") {
        // The part up to the next slash names the machine.
        Some(rest) => rest.get(rest.find('/')?..)?,
        None => rest,
    };
    // file:///C:/parts
    let path = if cfg!(windows) { path.trim_start_matches('/') } else { path };
    percent_decoded(path).or_else(|| Some(path.into()))
}

/// Replaces `%20` and the like; `None` if there are none, or the bytes are no path of this system.
fn percent_decoded(text: &str) -> Option<PathBuf> {
    if !text.contains('%') {
        return None;
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => (bytes.push(decoded), rest = &after[2..]).1,
            None => (bytes.push(byte), rest = after).1,
        }
    }
    path_of(bytes)
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    Some(OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// Removes the backslashes with which a shell writes spaces; `None` if there are none.
fn unescaped(text: &str) -> Option<PathBuf> {
    if cfg!(windows) || !text.contains('\\') {
        return None;
    }
    let (mut out, mut escaped) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    Some(out.into())
}

/// Takes a relative path as seen from the current folder, or else from the home folder.
fn absolute(path: PathBuf, home: Option<&Path>) -> PathBuf {
    if path.is_absolute() {
        return path;
    }
    let here = env::current_dir().ok().map(|folder| folder.join(&path)).filter(|path| path.exists());
    here.or_else(|| home.map(|home| home.join(&path))).unwrap_or(path)
}

/// Returns why a path is not what is asked for.
pub(crate) fn problem(path: &Path, kind: PathKind) -> Option<String> {
    let shown = path.printable();
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return missing(path, kind);
        }
        Err(error) => return Some(format!("{shown} cannot be opened: {error}.")),
    };
    match kind {
        PathKind::File if found.is_dir() => Some(format!("{shown} is a folder. Name a file in it.")),
        PathKind::NewFile if found.is_dir() => Some(format!("{shown} is a folder. Add the name of the file.")),
        PathKind::Folder | PathKind::NewFolder if !found.is_dir() => Some(format!("{shown} is a file. Name a folder.")),
        _ => None,
    }
}

/// Returns why a path that does not exist is not what is asked for.
fn missing(path: &Path, kind: PathKind) -> Option<String> {
    let mut parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    let (mut below, mut nearest) = (path, None);
    for parent in parents.by_ref() {
        if parent.exists() {
            nearest = Some(parent);
            break;
        }
        below = parent;
    }
    let Some(nearest) = nearest else { return Some(format!("There is no {}.", path.printable())) };
    if !nearest.is_dir() {
        return Some(format!("{} is a file, not a folder.", nearest.printable()));
    }
    match kind {
        PathKind::NewFolder => None,
        PathKind::NewFile if below == path => None,
        _ => {
            let name = below.file_name().unwrap_or(below.as_os_str());
            Some(format!("There is no {} in {}.", Path::new(name).printable(), nearest.printable()))
        }
    }
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderEntry {
    /// File name; names that are not Unicode cannot be typed and are left out.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// Splits a typed path into the folder whose entries complete it, and the start of the entry's name.
pub(crate) fn completed_part(text: &str) -> Option<(PathBuf, String)> {
    let text = text.trim_start().trim_start_matches(['"', '\'']);
    let cut = text.rfind(std::path::is_separator)?;
    let (folder, start) = text.split_at(cut + 1);
    Some((resolve(folder)?, start.to_owned()))
}

/// Lists a folder, folders first, each in natural order.
pub(crate) fn list(folder: &Path) -> Vec<FolderEntry> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(FolderEntry { name, is_folder: entry.path().is_dir() })
    };
    let mut all: Vec<FolderEntry> = entries.flatten().take(LISTED).filter_map(entry).collect();
    all.sort_by_cached_key(|entry| (!entry.is_folder, crate::format::natural_key(&entry.name)));
    all
}

/// Entries that are read of a folder.
const LISTED: usize = 20_000;

/// Returns the entries that begin with `start` and suit `kind`; case counts only where something matches it exactly.
pub(crate) fn matching(entries: &[FolderEntry], start: &str, kind: PathKind) -> Vec<FolderEntry> {
    let suits = |entry: &&FolderEntry| {
        (entry.is_folder || !matches!(kind, PathKind::Folder | PathKind::NewFolder))
            && (!entry.name.starts_with('.') || start.starts_with('.'))
    };
    let exact: Vec<_> = entries.iter().filter(suits).filter(|e| e.name.starts_with(start)).cloned().collect();
    if !exact.is_empty() {
        return exact;
    }
    let start = start.to_lowercase();
    entries.iter().filter(suits).filter(|e| e.name.to_lowercase().starts_with(&start)).cloned().collect()
}

/// Returns the text with the entry's name in the place of what was typed of it.
pub(crate) fn completed(text: &str, entry: &FolderEntry) -> String {
    let cut = text.rfind(std::path::is_separator).map_or(0, |cut| cut + 1);
    let end = if entry.is_folder { std::path::MAIN_SEPARATOR_STR } else { "" };
    format!("{}{}{end}", &text[..cut], entry.name)
}

/// Returns the text completed as far as all entries agree; `None` if that adds nothing.
pub(crate) fn completed_by_all(text: &str, entries: &[FolderEntry]) -> Option<String> {
    let [first, rest @ ..] = entries else { return None };
    if rest.is_empty() {
        return Some(completed(text, first)).filter(|new| new != text);
    }
    let mut common: Vec<char> = first.name.chars().collect();
    for entry in rest {
        let same = common.iter().zip(entry.name.chars()).take_while(|(a, b)| **a == *b).count();
        common.truncate(same);
    }
    let name: String = common.into_iter().collect();
    let new = completed(text, &FolderEntry { name, is_folder: false });
    (new.chars().count() > text.chars().count() || new.to_lowercase() == text.to_lowercase() && new != text)
        .then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("good parts/a%b")).unwrap();
        fs::create_dir(folder.path().join("good plates")).unwrap();
        fs::create_dir(folder.path().join(".hidden")).unwrap();
        fs::write(folder.path().join("good parts/teil ä.png"), "x").unwrap();
        fs::write(folder.path().join("ends in space "), "x").unwrap();
        fs::write(folder.path().join("Model.ganspect"), "x").unwrap();
        folder
    }

    #[test]
    fn what_people_type_and_paste_is_understood() {
        let folder = folder();
        let root = folder.path().to_str().unwrap();
        let part = folder.path().join("good parts/teil ä.png");
        let resolve = |text: &str| resolve_in(text, Some(folder.path()));
        for text in [
            format!("{root}/good parts/teil ä.png"),
            format!("  {root}/good parts/teil ä.png \n"),
            format!("\"{root}/good parts/teil ä.png\""),
            format!("'{root}/good parts/teil ä.png' "),
            format!("“{root}/good parts/teil ä.png”"),
            format!("file://{root}/good%20parts/teil%20%C3%A4.png"),
            format!("FILE://localhost{root}/good%20parts/teil%20%c3%a4.png"),
            format!("file:{root}/good%20parts/teil%20ä.png"),
            format!("\"file://{root}/good%20parts/teil%20%C3%A4.png\""),
            format!("{root}/good%20parts/teil%20%C3%A4.png"),
            format!("{root}/good\\ parts/teil\\ ä.png"),
            "~/good parts/teil ä.png".to_owned(),
            "good parts/teil ä.png".to_owned(),
        ] {
            assert_eq!(resolve(&text).as_ref(), Some(&part), "{text}");
        }
        assert_eq!(resolve("~"), Some(folder.path().to_owned()));
        assert_eq!(resolve(&format!("{root}/good parts/a%b")), Some(folder.path().join("good parts/a%b")));
        assert_eq!(resolve(&format!("{root}/ends in space ")), Some(folder.path().join("ends in space ")));
        assert_eq!(resolve("~x/parts"), Some(folder.path().join("~x/parts")), "the home of somebody else is not known");
        assert_eq!(resolve("/nowhere/100%.png"), Some("/nowhere/100%.png".into()));
        for nothing in ["", "   ", "\"\"", "' '"] {
            assert_eq!(resolve(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_wrong_path_is_refused_with_the_reason() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let (parts, model) = (at("good parts"), at("Model.ganspect"));
        for kind in [PathKind::File, PathKind::Any] {
            assert_eq!(problem(&model, kind), None);
        }
        for kind in [PathKind::Folder, PathKind::NewFolder, PathKind::Any] {
            assert_eq!(problem(&parts, kind), None);
        }
        assert!(problem(&parts, PathKind::File).unwrap().contains("is a folder"));
        assert!(problem(&parts, PathKind::NewFile).unwrap().contains("Add the name"));
        assert!(problem(&model, PathKind::Folder).unwrap().contains("is a file"));
        assert!(problem(&model, PathKind::NewFolder).unwrap().contains("is a file"));
        assert_eq!(problem(&at("new.toml"), PathKind::NewFile), None);
        assert_eq!(problem(&at("new/folder"), PathKind::NewFolder), None);
        let text = problem(&at("good part/x/teil.png"), PathKind::File).unwrap();
        assert_eq!(text, format!("There is no good part in {}.", folder.path().printable()), "the first wrong step");
        assert!(problem(&at("missing/new.toml"), PathKind::NewFile).unwrap().contains("There is no missing in"));
        assert!(problem(&model.join("x"), PathKind::NewFolder).unwrap().contains("is a file, not a folder"));
    }

    #[test]
    fn a_path_is_completed_as_far_as_it_is_certain() {
        let folder = folder();
        let root = folder.path().to_str().unwrap();
        let entries = list(folder.path());
        let complete = |text: &str, kind| {
            let (of, start) = completed_part(text).unwrap();
            assert_eq!(of, folder.path());
            let all = matching(&entries, &start, kind);
            (all.iter().map(|e| e.name.clone()).collect::<Vec<_>>(), completed_by_all(text, &all))
        };
        let (all, text) = complete(&format!("{root}/go"), PathKind::Folder);
        assert_eq!((all.len(), text), (2, Some(format!("{root}/good p"))));
        let (_, text) = complete(&format!("{root}/good pa"), PathKind::Any);
        assert_eq!(text, Some(format!("{root}/good parts/")));
        let (_, text) = complete(&format!("{root}/mod"), PathKind::File);
        assert_eq!(text, Some(format!("{root}/Model.ganspect")), "case does not matter");
        let (all, _) = complete(&format!("{root}/"), PathKind::Folder);
        assert_eq!(all, ["good parts", "good plates"], "folders only, and no hidden ones");
        assert_eq!(complete(&format!("{root}/.h"), PathKind::Folder).0, [".hidden"]);
        assert_eq!(complete(&format!("{root}/zz"), PathKind::Any), (Vec::new(), None));
    }
}
