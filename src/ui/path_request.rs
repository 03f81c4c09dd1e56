//! The files and folders that the window asks for.

use std::path::PathBuf;

use super::typed_path::PathKind;
use crate::review::export::ExportFormat;

/// The purpose of a requested path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRequest {
    /// A folder of healthy images to train on.
    Images,
    /// A recipe file to read.
    LoadRecipe,
    /// A recipe file to write.
    SaveRecipe,
    /// A PNG file to write the sample grid to.
    SaveGrid,
    /// The folder for new runs.
    RunsFolder,
    /// One or more images to inspect.
    Queries,
    /// A model file to inspect with.
    Model,
    /// A model file to write.
    SaveModel,
    /// The folder to export an inspection to.
    Export,
    /// A folder of test images.
    TestImages,
    /// The folder for an evaluation report.
    Report,
    /// A review record.
    Record,
    /// The folder in which images of parts arrive.
    Parts,
    /// The folder to export parts of a review to, in this format.
    ReviewExport(ExportFormat),
}

impl PathRequest {
    /// Title of the dialog.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Images => "Open a folder of healthy images",
            Self::LoadRecipe => "Load a recipe",
            Self::SaveRecipe => "Save the recipe",
            Self::SaveGrid => "Save the sample grid",
            Self::RunsFolder => "Choose the folder for runs",
            Self::Queries => "Open images to inspect",
            Self::Model => "Open a model",
            Self::SaveModel => "Save the model",
            Self::TestImages => "Open a folder of healthy and defective test images",
            Self::Report => "Choose the folder for the report",
            Self::Record => "Open a record",
            Self::Parts => "Choose the folder to watch for parts",
            Self::ReviewExport(ExportFormat::Pdf) => "Choose the folder for the shift report",
            Self::Export | Self::ReviewExport(_) => "Choose the folder for the export",
        }
    }

    /// Label of the button that confirms the dialog.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Images | Self::Queries | Self::Model | Self::TestImages | Self::Record => "Open",
            Self::LoadRecipe => "Load",
            Self::SaveRecipe | Self::SaveGrid | Self::SaveModel => "Save",
            Self::RunsFolder | Self::Parts => "Choose",
            Self::Export | Self::Report | Self::ReviewExport(_) => "Export",
        }
    }

    /// Whether a folder is asked for rather than a file.
    pub(super) fn is_folder(self) -> bool {
        matches!(
            self,
            Self::Images
                | Self::RunsFolder
                | Self::Parts
                | Self::Export
                | Self::TestImages
                | Self::Report
                | Self::ReviewExport(_)
        )
    }

    /// What a typed path has to be.
    pub(super) fn kind(self) -> PathKind {
        match self {
            // A folder of images, or a list of them.
            Self::Images | Self::TestImages | Self::Queries => PathKind::Any,
            Self::LoadRecipe | Self::Model | Self::Record => PathKind::File,
            Self::SaveRecipe | Self::SaveGrid | Self::SaveModel => PathKind::NewFile,
            Self::Parts => PathKind::Folder,
            Self::RunsFolder | Self::Export | Self::Report | Self::ReviewExport(_) => PathKind::NewFolder,
        }
    }

    /// Whether a file is to be written.
    pub(super) fn is_save(self) -> bool {
        self.extension().is_some()
    }

    /// Returns the path at which a chosen file is saved: with the extension of its kind where it has none.
    pub(super) fn saved_as(self, path: PathBuf) -> PathBuf {
        match self.extension() {
            Some(extension) if path.extension().is_none() => path.with_extension(extension),
            _ => path,
        }
    }

    fn extension(self) -> Option<&'static str> {
        match self {
            Self::SaveRecipe => Some("toml"),
            Self::SaveGrid => Some("png"),
            Self::SaveModel => Some("ganspect"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_added_only_where_they_are_missing() {
        assert_eq!(PathRequest::SaveGrid.saved_as("a/b".into()), PathBuf::from("a/b.png"));
        assert_eq!(PathRequest::SaveGrid.saved_as("a/b.PNG".into()), PathBuf::from("a/b.PNG"));
        assert_eq!(PathRequest::SaveModel.saved_as("a/b".into()), PathBuf::from("a/b.ganspect"));
        assert_eq!(PathRequest::Export.saved_as("a/b".into()), PathBuf::from("a/b"));
    }
}
