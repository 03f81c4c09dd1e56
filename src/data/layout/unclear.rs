//! A folder whose images cannot be told apart by its names.

use std::{fmt, path::PathBuf};

use crate::{format::counted, text::PrintablePath};

/// The role of a folder of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRole {
    /// Healthy parts, trained on.
    Healthy,
    /// Defective parts, for evaluation.
    Defective,
    /// Masks of the defects.
    Masks,
    /// Not used.
    LeftOut,
}

/// A folder that contains images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFolder {
    /// The folder, below the root of the data; empty for the root itself.
    pub folder: PathBuf,
    /// Files in it that may be images.
    pub images: usize,
    /// The role that its name suggests.
    pub suggested: Option<FolderRole>,
}

/// A folder in which it is unclear which images are healthy, with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclearFolder {
    /// The folder that was opened.
    pub root: PathBuf,
    /// Why it is unclear.
    pub reason: String,
    /// The folders of images in it.
    pub folders: Vec<FoundFolder>,
}

/// Maximum number of folders that the message names.
const NAMED: usize = 20;

impl fmt::Display for UnclearFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is not clear which images in {} are healthy: {}. Found:", self.root.printable(), self.reason)?;
        for found in self.folders.iter().take(NAMED) {
            let (folder, count) = (self.root.join(&found.folder), counted(found.images, "image"));
            // Joining an empty path appends a separator.
            let folder = if found.folder.as_os_str().is_empty() { &self.root } else { &folder };
            write!(f, "\n  {}: {count}", folder.printable())?;
        }
        if self.folders.len() > NAMED {
            write!(f, "\n  and {} more folders", self.folders.len() - NAMED)?;
        }
        f.write_str(
            "\nSay what each folder holds with --healthy DIR, --defective DIR and --masks DIR, each as often as needed",
        )?;
        f.write_str("; folders that are not named are left out")?;
        let flag = |role: FolderRole, flag: &str| {
            let own = self.folders.iter().find(|found| found.suggested == Some(role))?;
            Some(format!(" {flag} {}", shell_word(&self.root.join(&own.folder).printable().to_string())))
        };
        let suggested = [flag(FolderRole::Healthy, "--healthy"), flag(FolderRole::Defective, "--defective")];
        if let [Some(healthy), Some(defective)] = suggested {
            write!(f, "; perhaps{healthy}{defective}")?;
        }
        Ok(())
    }
}

/// Quotes a word for a shell where it needs that.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
