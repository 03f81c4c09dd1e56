//! The question which folders hold healthy parts, defective parts and masks, where their names do not say it.

use std::path::PathBuf;

use egui::{Align, Layout, RichText, ScrollArea, TextEdit, Ui};

use super::{section, weak};
use crate::{
    data::{Dataset, DefectiveFolder, FolderRole, FolderRoles, FoundFolder, Label, UnclearFolder},
    format::{counted, sentence},
    text::PrintablePath,
    ui::theme,
};

/// The roles that can be chosen, with their titles.
const ROLES: [(FolderRole, &str); 4] = [
    (FolderRole::Healthy, "Healthy"),
    (FolderRole::Defective, "Defective"),
    (FolderRole::Masks, "Masks"),
    (FolderRole::LeftOut, "Leave out"),
];

/// A folder with the role that the user has chosen.
struct FolderRow {
    found: FoundFolder,
    role: Option<FolderRole>,
    /// The type of the defects; empty for the name of the folder.
    defect_type: String,
}

/// The folders of a data set and their roles, as edited.
pub(super) struct FolderRolesEditor {
    root: PathBuf,
    reason: String,
    rows: Vec<FolderRow>,
}

impl FolderRolesEditor {
    /// Asks about a folder in which it is unclear which images are healthy.
    pub(super) fn new(unclear: UnclearFolder) -> Self {
        let row = |found: FoundFolder| FolderRow { role: found.suggested, found, defect_type: String::new() };
        Self { root: unclear.root, reason: unclear.reason, rows: unclear.folders.into_iter().map(row).collect() }
    }

    /// Asks about the folders of data that were understood, so that the user can correct it.
    pub(super) fn of(dataset: &Dataset) -> Self {
        let root = if dataset.root.is_file() {
            dataset.root.parent().map(PathBuf::from).unwrap_or_default()
        } else {
            dataset.root.clone()
        };
        let mut folders: std::collections::BTreeMap<PathBuf, (usize, FolderRole)> = std::collections::BTreeMap::new();
        let below = |path: &std::path::Path| {
            path.parent().and_then(|folder| folder.strip_prefix(&root).ok()).map(PathBuf::from)
        };
        for item in &dataset.items {
            let role = if item.label == Label::Healthy { FolderRole::Healthy } else { FolderRole::Defective };
            if let Some(folder) = below(&item.path) {
                folders.entry(folder).or_insert((0, role)).0 += 1;
            }
            if let Some(folder) = item.mask.as_deref().and_then(below) {
                folders.entry(folder).or_insert((0, FolderRole::Masks)).0 += 1;
            }
        }
        let found = |(folder, (images, role))| FoundFolder { folder, images, suggested: Some(role) };
        let reason = "say what each folder holds".to_owned();
        Self::new(UnclearFolder { root: root.clone(), reason, folders: folders.into_iter().map(found).collect() })
    }

    /// The roles as chosen; `None` as long as no folder is healthy.
    fn roles(&self) -> Option<FolderRoles> {
        let of = |role: FolderRole| self.rows.iter().filter(move |row| row.role.unwrap_or(FolderRole::LeftOut) == role);
        let folders = |role: FolderRole| of(role).map(|row| row.found.folder.clone()).collect::<Vec<_>>();
        let defective = of(FolderRole::Defective).map(|row| DefectiveFolder {
            folder: row.found.folder.clone(),
            defect_type: Some(row.defect_type.trim().to_owned()).filter(|text| !text.is_empty()),
        });
        let roles = FolderRoles {
            root: self.root.clone(),
            healthy: folders(FolderRole::Healthy),
            defective: defective.collect(),
            masks: folders(FolderRole::Masks),
            left_out: folders(FolderRole::LeftOut),
        };
        (!roles.healthy.is_empty()).then_some(roles)
    }

    /// Draws the question; returns the roles once the user confirms them.
    pub(super) fn ui(&mut self, ui: &mut Ui) -> Option<FolderRoles> {
        let p = theme::Palette::of(ui);
        section(ui, "Which images are healthy?");
        ui.scope(|ui| {
            ui.set_max_width(theme::TEXT_MAX.min(ui.available_width()));
            let text = format!("{} Only folders of healthy parts are trained on.", sentence(&self.reason));
            ui.add(egui::Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
        });
        ui.add_space(theme::GAP_M);
        let roles = self.roles();
        let button = |ui: &mut Ui| {
            let button = ui.add_enabled(roles.is_some(), theme::primary_button(&p, "Use these roles"));
            button.on_disabled_hover_text("Choose Healthy for at least one folder.").clicked()
        };
        let confirmed = ui.horizontal_wrapped(|ui| {
            let confirmed = button(ui);
            if roles.is_none() {
                weak(ui, "Choose Healthy for at least one folder.");
            }
            confirmed
        });
        ui.add_space(theme::GAP_M);
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            for row in &mut self.rows {
                row.ui(ui, &p);
            }
        });
        roles.filter(|_| confirmed.inner)
    }
}

impl FolderRow {
    fn name(&self) -> String {
        if self.found.folder.as_os_str().is_empty() {
            "Images in the folder itself".to_owned()
        } else {
            self.found.folder.printable().to_string()
        }
    }

    fn ui(&mut self, ui: &mut Ui, p: &theme::Palette) {
        let name = self.name();
        ui.horizontal_wrapped(|ui| {
            ui.allocate_ui_with_layout(
                egui::vec2(theme::PANEL_MIN, theme::ROW),
                Layout::left_to_right(Align::Center),
                |ui| {
                    ui.set_width(theme::PANEL_MIN);
                    ui.add(egui::Label::new(RichText::new(&name).color(p.text_strong)).truncate()).on_hover_text(&name);
                },
            );
            ui.label(theme::weak_caption(p, counted(self.found.images, "image")));
            for (role, title) in ROLES {
                let chosen = self.role == Some(role);
                if ui.selectable_label(chosen, title).accessible_name(format!("{title}, {name}")).clicked() {
                    self.role = Some(role);
                }
            }
            if self.role == Some(FolderRole::Defective) {
                let hint = self.found.folder.file_name().map(|name| name.printable().to_string()).unwrap_or_default();
                let field =
                    TextEdit::singleline(&mut self.defect_type).hint_text(hint).desired_width(theme::PANEL_MIN / 2.0);
                ui.add(field).accessible_name(format!("Type of the defects, {name}"));
            }
        });
    }
}
